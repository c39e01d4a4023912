"""What samples of a time amount to: quantiles, and how many times as fast one is as another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Summary:
    """Milliseconds an image, and images a second."""

    fps: float  # 1000 / median_ms
    median_ms: float
    p5_ms: float
    p95_ms: float


def summarise(samples: Sequence[float]) -> Summary:
    """Of times in milliseconds."""
    low, middle, high = (float(value) for value in np.percentile(samples, [5, 50, 95]))
    return Summary(1000 / middle, middle, low, high)


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as another: 1 is as fast. A single round has no interval."""

    value: float
    low: float | None
    high: float | None
    rounds: int

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)


def speed_ratio(samples: Sequence[float], baseline: Sequence[float]) -> Ratio:
    """Median over rounds of the baseline's time / the time, with its 95 % bootstrap interval over rounds.

    Args:
        samples: times, one a round.
        baseline: times of the same rounds.
    """
    from scipy.stats import bootstrap  # takes a second to import

    ratios = np.asarray(baseline, dtype=float) / np.asarray(samples, dtype=float)
    value = float(np.median(ratios))
    if len(ratios) < 2:
        return Ratio(value, None, None, len(ratios))
    drawn = bootstrap(
        (ratios,), np.median, confidence_level=LEVEL, method="percentile", random_state=np.random.default_rng(0)
    )
    interval = drawn.confidence_interval
    return Ratio(value, float(interval.low), float(interval.high), len(ratios))


def mean_ratio(ratios: Sequence[float], rounds: int) -> Ratio:
    """Geometric mean of two sessions' ratios or more, with Student's 95 % interval over the sessions."""
    from scipy.special import stdtrit

    logs = np.log(ratios)
    width = stdtrit(len(logs) - 1, (1 + LEVEL) / 2) * logs.std(ddof=1) / np.sqrt(len(logs))
    low, mean, high = np.exp(logs.mean() + np.array([-width, 0, width])).tolist()
    return Ratio(mean, low, high, rounds)
