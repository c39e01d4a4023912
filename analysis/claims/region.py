"""Where a claim says that an effect lies, and whether values over seeds show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf

from analysis.stats import p_above, p_below, tost

ALPHA = 0.05  # of a verdict, both ways together where the region has one bound


@dataclass(frozen=True)
class Region:
    """The open interval (low, high); one of both may be infinite."""

    low: float = -inf
    high: float = inf

    def __contains__(self, value: float) -> bool:
        return self.low < value < self.high

    @property
    def is_bounded(self) -> bool:
        """Whether it is an equivalence rather than a direction."""
        return not isinf(self.low) and not isinf(self.high)

    @property
    def level(self) -> float:
        """Of the interval that lies in the region just where the test says so: two one-sided tests have 90 %."""
        return 1 - 2 * ALPHA if self.is_bounded else 1 - ALPHA

    def p_inside(self, values: Sequence[float]) -> float:
        """p-value for a mean inside: of the two-sided t-test of a direction, of both one-sided tests of a range."""
        p = tost(values, self.low, self.high)
        return p if self.is_bounded else min(1.0, 2 * p)

    def p_outside(self, values: Sequence[float]) -> float:
        """p-value for a mean outside, two-sided."""
        return min(1.0, 2 * min(p_below(values, self.low), p_above(values, self.high)))
