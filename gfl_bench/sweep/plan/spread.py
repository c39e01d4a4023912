"""How far off a prediction from few samples may be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.8  # of the intervals: one in ten is above, one in ten below


@dataclass(frozen=True)
class Spread:
    """Standard deviation of logarithms and the degrees of freedom that it was estimated with."""

    deviation: float
    degrees: int

    def factor(self, samples: int) -> float:
        """What a new sample is at most above or below the geometric mean of ``samples`` ones, at LEVEL."""
        from scipy.special import stdtrit  # Student's quantile

        quantile = float(stdtrit(self.degrees, (1 + LEVEL) / 2))
        return math.exp(quantile * self.deviation * math.sqrt(1 + 1 / samples))


def pooled(groups: Iterable[Sequence[float]]) -> Spread | None:
    """Of samples about the mean of their group, all positive; None where no group has two."""
    logs = [np.log(group) for group in groups if len(group) > 1]
    degrees = sum(len(group) - 1 for group in logs)
    if not degrees:
        return None
    return Spread(math.sqrt(sum(float(((group - group.mean()) ** 2).sum()) for group in logs) / degrees), degrees)


def geometric_mean(samples: Sequence[float]) -> float:
    """Of positive numbers."""
    return float(np.exp(np.log(samples).mean()))
