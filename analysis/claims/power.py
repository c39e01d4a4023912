"""How many seeds would decide, were the effect and its spread as observed."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, nctdtr, stdtrit

from analysis.claims.region import ALPHA, Region
from analysis.stats import standard_deviation

POWER = 0.8
MOST_SEEDS = 1000


def more_seeds(values: Sequence[float], region: Region, family: int = 1) -> int | None:
    """How many more values show the mean inside or outside ``region`` with 80 % probability.

    Args:
        family: how many parts share the level of showing it outside (Bonferroni, the first step of Holm).

    Returns:
        None of fewer than two values, and where more than ``MOST_SEEDS`` would be needed.
    """
    if len(values) < 2 or standard_deviation(values) == 0:
        return None
    counts = np.arange(len(values) + 1, MOST_SEEDS + 1)
    enough = counts[power(fmean(values), standard_deviation(values), counts, region, family) >= POWER]
    return int(enough[0]) - len(values) if len(enough) else None


def power(
    mean: float, deviation: float, counts: NDArray[np.int64], region: Region, family: int = 1
) -> NDArray[np.float64]:
    """Probability that ``counts`` seeds show a true ``mean`` on its side of ``region``'s bounds (noncentral t)."""
    low, high = ((abs(mean - bound)) / deviation for bound in (region.low, region.high))
    if mean not in region:
        return _beyond(min(low, high), counts, ALPHA / 2 / family)
    if not region.is_bounded:
        return _beyond(min(low, high), counts, ALPHA / 2)
    # both one-sided tests; their joint probability is at least this, and this where it matters
    return np.maximum(0.0, _beyond(low, counts, ALPHA) + _beyond(high, counts, ALPHA) - 1)


def more_runs(count: int, total: int, half: float = 0.5, family: int = 1) -> int | None:
    """How many more runs show a share on its side of ``half`` with 80 % probability, were the share as observed."""
    if count / total < half:
        return _more_above(total - count, total, 1 - half, ALPHA / family)
    return _more_above(count, total, half, ALPHA)


def _more_above(count: int, total: int, half: float, alpha: float) -> int | None:
    for runs in range(total + 1, MOST_SEEDS + 1):
        shares = np.arange(runs + 1)
        showing = shares[bdtrc(shares - 1, runs, half) < alpha / 2]  # Clopper and Pearson's interval lies above half
        if len(showing) and bdtrc(showing[0] - 1, runs, count / total) >= POWER:
            return runs - total
    return None


def _beyond(distance: float, counts: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """Power of a one-sided t-test at ``alpha``, of a mean ``distance`` standard deviations beyond the bound."""
    critical = stdtrit(counts - 1, 1 - alpha)
    below = nctdtr(counts - 1, distance * np.sqrt(counts), critical)
    return 1 - np.nan_to_num(below)  # it gives NaN where it is zero to all digits
