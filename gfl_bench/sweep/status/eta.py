"""When a sweep will be done: what is left of its runs, over as many at a time as are at work now."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from gfl_bench.sweep.plan.cost import Cost, Costs
from gfl_bench.sweep.selection import FINISHED
from gfl_bench.sweep.status.watch import Watched


@dataclass(frozen=True)
class Eta:
    """Seconds until the last run is done, and the ends of their interval.

    Attributes:
        at_work: runs at a time.
        guessed: runs that nothing is known of, taken for the mean of the others.
    """

    seconds: float
    low: float
    high: float
    at_work: int
    guessed: int


@dataclass(frozen=True)
class Left:
    """Seconds that a run still takes, ``whole`` of it from the start."""

    seconds: float
    low: float
    high: float
    whole: float


def estimate(watched: Sequence[Watched], costs: Costs) -> Eta | None:
    """None where nothing runs, or where nobody knows what any run takes.

    Work is spread evenly over those at work, but ends not before its longest run does.
    """
    at_work = sum(one.state == "running" for one in watched)
    todo = [one for one in watched if one.state not in FINISHED]
    known = {id(one): left for one in todo if (left := left_of(one, _cost(one, costs))) is not None}
    if not at_work or not known:
        return None
    guess = sum(left.whole for left in known.values()) / len(known)
    lefts = [known.get(id(one), Left(guess, guess, guess, guess)) for one in todo]
    low, seconds, high = (
        max(sum(values) / at_work, max(values))
        for values in ([getattr(left, name) for left in lefts] for name in ("low", "seconds", "high"))
    )
    return Eta(seconds, low, high, at_work, len(todo) - len(known))


def left_of(one: Watched, cost: Cost | None) -> Left | None:
    """By the run's own rate where it has one, else by what such runs cost; None where neither is known."""
    share = 1 - one.step / one.steps if one.steps else 1.0
    if one.rate and one.steps:
        seconds, whole = (one.steps - one.step) / one.rate, one.steps / one.rate
        return Left(seconds, seconds, seconds, whole)
    if cost is None:
        return None
    return Left(share * cost.seconds, share * cost.low, share * cost.high, cost.seconds)


def _cost(one: Watched, costs: Costs) -> Cost | None:
    with contextlib.suppress(KeyError, TypeError):  # the config of another version
        return costs.of(one.run)
    return None
