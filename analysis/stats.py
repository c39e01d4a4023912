"""Means over seeds and differences paired by seed, their 95 % intervals and tests; Holm's levels for several tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import copysign, fsum, inf, sqrt
from statistics import fmean

from scipy.special import betaincinv, stdtr, stdtrit  # the functions alone; scipy.stats would take a second to import

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the half-width of its interval; one value alone has no width."""

    mean: float
    half_width: float | None
    n: int


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval | None:
    """Mean of ``values`` with Student's interval, n - 1 degrees of freedom; None of no values."""
    n = len(values)
    if n == 0:
        return None
    if n == 1:
        return Interval(values[0], None, 1)
    quantile = float(stdtrit(n - 1, (1 + level) / 2))
    return Interval(fmean(values), quantile * standard_deviation(values) / sqrt(n), n)


def standard_deviation(values: Sequence[float]) -> float:
    """Of a sample of at least two; as ``statistics.stdev``, whose exact fractions take a hundred times as long."""
    mean = fmean(values)
    return sqrt(fsum((value - mean) * (value - mean) for value in values) / (len(values) - 1))


def paired(values: Mapping[int, float], baseline: Mapping[int, float]) -> list[float]:
    """Value minus baseline value of each seed that both have, by seed."""
    return [values[seed] - baseline[seed] for seed in sorted(values.keys() & baseline.keys())]


def paired_difference(values: Mapping[int, float], baseline: Mapping[int, float]) -> Interval | None:
    """Mean over the seeds that both have of value minus baseline value; None where they share no seed."""
    return mean_interval(paired(values, baseline))


def paired_t_test(values: Mapping[int, float], baseline: Mapping[int, float]) -> float | None:
    """Two-sided p-value of no difference, paired by seed; None of fewer than two shared seeds."""
    differences = paired(values, baseline)
    if len(differences) < 2:
        return None
    return min(1.0, 2 * min(p_above(differences, 0.0), p_below(differences, 0.0)))


def p_above(values: Sequence[float], bound: float) -> float:
    """One-sided p-value of Student's test for a mean above ``bound``; 1 of fewer than two values."""
    if len(values) < 2:
        return 1.0
    return float(stdtr(len(values) - 1, -_t(values, bound)))


def p_below(values: Sequence[float], bound: float) -> float:
    """One-sided p-value of Student's test for a mean below ``bound``; 1 of fewer than two values."""
    return p_above([-value for value in values], -bound)


def tost(values: Sequence[float], low: float, high: float) -> float:
    """p-value of two one-sided tests (Schuirmann) for a mean between ``low`` and ``high``; one may be infinite."""
    return max(p_above(values, low), p_below(values, high))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of a family in their order, adjusted so that 95 % of families have no false one at 0.05 (Holm, 1979)."""
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted


def share_interval(count: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Clopper and Pearson's exact interval of the share that ``count`` of ``total`` shows."""
    tail = (1 - level) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, total - count + 1, tail))
    high = 1.0 if count == total else float(betaincinv(count + 1, total - count, 1 - tail))
    return low, high


def _t(values: Sequence[float], bound: float) -> float:
    distance, deviation = fmean(values) - bound, standard_deviation(values)
    if deviation > 0:
        return distance / deviation * sqrt(len(values))
    return copysign(inf, distance) if distance else 0.0
