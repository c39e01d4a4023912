"""Timings that can be compared: the candidates take turns, so that whatever slows the machine slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tabulate import tabulate


@dataclass
class Timing:
    """Samples in seconds of one candidate; sample i was taken in the same round as sample i of the others."""

    samples: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)


def interleave(candidates: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 2) -> dict[str, Timing]:
    """Time each candidate once a round, in turn, after ``warmup`` rounds that are not counted."""
    timings = {name: Timing([]) for name in candidates}
    for round_number in range(warmup + rounds):
        for name, candidate in candidates.items():
            start = time.perf_counter()
            candidate()
            if round_number >= warmup:
                timings[name].samples.append(time.perf_counter() - start)
    return timings


def ratio(slow: Timing, fast: Timing) -> float:
    """Median over rounds of slow / fast: how many times as fast the second is."""
    return statistics.median(a / b for a, b in zip(slow.samples, fast.samples, strict=True))


def report(title: str, timings: Mapping[str, Timing], baseline: str) -> str:
    """Markdown table: median milliseconds, and how many times as fast as ``baseline`` each candidate is."""
    rows = [
        [name, f"{timing.median * 1000:.1f}", f"{ratio(timings[baseline], timing):.2f}x"]
        for name, timing in timings.items()
    ]
    return f"\n{title}\n\n" + tabulate(rows, ["", "ms (median)", f"speed, {baseline} = 1"], tablefmt="pipe")
