"""A verdict on one claim, as the report prints it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Unit = Literal["seed", "session"]  # what repeats a measurement: a run, or a session in which rows took turns


class Verdict(str, Enum):
    """What the records say of a claim."""

    supported = "supported"  # every part of it is shown
    contradicted = "contradicted"  # the opposite of a part is shown
    undecided = "undecided"  # neither is, with the seeds that there are
    proven = "proven"  # by a test of the code, for every input
    unmeasured = "unmeasured"  # runs are missing


@dataclass(frozen=True)
class Judgement:
    """One claim judged at one scale.

    Attributes:
        says: the claim.
        ref: where the paper makes it.
        effect: what was measured, in words, of the part that decided.
        interval: of that effect.
        decided_by: name of the test, or the links to the proofs.
        seeds: how many the part with the fewest has.
        more_seeds: how many more would decide it with 80 % probability, were the effect as observed; None where it is
            decided, or where no number up to ``power.MOST_SEEDS`` would.
        command: what measures it further; empty where nothing can.
        parts: a sentence for each part of the claim.
        unit: what ``seeds`` counts: seeds of runs, or sessions in which rows were timed in turns.
        more_unit: what ``more_seeds`` counts.
        is_timed: whether sessions are evidence on a part of it.
    """

    id: str
    says: str
    ref: str
    verdict: Verdict
    effect: str
    interval: str = ""
    decided_by: str = ""
    seeds: int = 0
    more_seeds: int | None = None
    scale: str = ""
    command: str = ""
    parts: tuple[str, ...] = ()
    unit: Unit = "seed"
    more_unit: Unit = "seed"
    is_timed: bool = False
