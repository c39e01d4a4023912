"""When to take a sample: after the warm-up, and in turn with the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import TypeVar

Name = TypeVar("Name")

WARMUP_WINDOW = 5  # passes; there are two windows at the least
WARMUP_TOLERANCE = 0.03  # by which the medians of two windows in a row may differ
WARMUP_LIMIT = 50  # passes
WARMUP_MILLISECONDS = 30_000  # after which no further window is begun


def warm_up(sample: Callable[[], float]) -> int:
    """Call ``sample``, which tells milliseconds, until these have settled or a limit is reached.

    Returns:
        the number of calls.
    """
    times = [sample() for _ in range(2 * WARMUP_WINDOW)]
    while not _settled(times) and len(times) < WARMUP_LIMIT and sum(times) < WARMUP_MILLISECONDS:
        times += [sample() for _ in range(WARMUP_WINDOW)]
    return len(times)


def _settled(times: list[float]) -> bool:
    before, after = median(times[-2 * WARMUP_WINDOW : -WARMUP_WINDOW]), median(times[-WARMUP_WINDOW:])
    return abs(after / before - 1) <= WARMUP_TOLERANCE


def take_turns(
    samples: Mapping[Name, Callable[[int], float]], rounds: int, told: Callable[[int], None] = lambda done: None
) -> dict[Name, list[float]]:
    """Times of each candidate, one a round: A B A B, so that what slows the machine slows all.

    Args:
        samples: take the number of the round and return the time.
        told: is called with the number of finished rounds after each.
    """
    times: dict[Name, list[float]] = {name: [] for name in samples}
    for number in range(rounds):
        for name, sample in samples.items():
            times[name].append(sample(number))
        told(number + 1)
    return times
