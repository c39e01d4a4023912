"""Timings that can be compared: the candidates take turns, so that whatever slows the machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

from tabulate import tabulate

from gfl_bench.results.samples import speed_ratio
from gfl_bench.speed.turns import take_turns

Timings = Mapping[str, list[float]]  # milliseconds of each round


def interleave(candidates: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 2) -> Timings:
    """Time each candidate once a round, in turn, after ``warmup`` rounds that are not counted."""

    def timed(candidate: Callable[[], object]) -> Callable[[int], float]:
        return lambda number: _milliseconds(candidate)

    samples = {name: timed(candidate) for name, candidate in candidates.items()}
    take_turns(samples, warmup)
    return take_turns(samples, rounds)


def times_as_fast(timings: Timings, name: str, baseline: str) -> str:
    """Median over rounds of the baseline's time / that of ``name``."""
    return f"{speed_ratio(timings[name], timings[baseline]).value:.2f}"


def report(title: str, timings: Timings, baseline: str) -> str:
    """Markdown table: median milliseconds, and how many times as fast as ``baseline`` each candidate is."""
    rows = [
        [name, f"{median(times):.1f}", f"{times_as_fast(timings, name, baseline)}x"] for name, times in timings.items()
    ]
    return f"\n{title}\n\n" + tabulate(rows, ["", "ms (median)", f"speed, {baseline} = 1"], tablefmt="pipe")


def _milliseconds(candidate: Callable[[], object]) -> float:
    start = time.perf_counter()
    candidate()
    return 1000 * (time.perf_counter() - start)
