"""Means over seeds and differences paired by seed, each with its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit  # the t quantile alone; scipy.stats would take a second to import

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the half-width of its interval; one value alone has no width."""

    mean: float
    half_width: float | None
    n: int

    @property
    def excludes_zero(self) -> bool:
        return self.half_width is not None and abs(self.mean) > self.half_width


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Mean of ``values`` with Student's interval, n - 1 degrees of freedom; None of no values."""
    n = len(values)
    if n == 0:
        return None
    if n == 1:
        return Interval(values[0], None, 1)
    quantile = float(stdtrit(n - 1, (1 + LEVEL) / 2))
    return Interval(fmean(values), quantile * stdev(values) / sqrt(n), n)


def paired_difference(values: Mapping[int, float], baseline: Mapping[int, float]) -> Interval | None:
    """Mean over the seeds that both have of value minus baseline value; None where they share no seed."""
    return mean_interval([values[seed] - baseline[seed] for seed in sorted(values.keys() & baseline.keys())])
