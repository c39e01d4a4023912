"""What became of the disturbed runs."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tabulate import tabulate

from gfl_bench.results.record import RunFolder

PHASES = ("starting", "training", "evaluating", "ending", "after its end")


@dataclass
class Outcome:
    """Of one run: what happened to it, and what was wrong then.

    Attributes:
        faults: kind and where it struck.
        untrue: exit codes that did not say what happened.
        untold: errors of a full disk that did not say so.
    """

    faults: list[tuple[str, str]] = field(default_factory=list)
    lost: bool = False
    unfinished: bool = False
    differing: list[str] = field(default_factory=list)
    untrue: int = 0
    untold: int = 0

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.unfinished or self.differing or self.untrue or self.untold)

    def check(self, code: int | None, folder: Path, stopped_by: signal.Signals | None = None) -> None:
        """Count ``code`` as untrue where it is none that such an end may have.

        0 is a run that is done; a signal before Python notices it ends the process by that signal itself.
        """
        done = any(RunFolder(path).is_finished() for path in folder.glob("*/seed0"))
        allowed = {0} if done else {1}
        if stopped_by is not None:
            allowed = {0, -stopped_by, 128 + stopped_by} if done else {-stopped_by, 128 + stopped_by}
            if stopped_by is signal.SIGINT:
                allowed |= {1, 130}  # Python's own end, or Hydra's, while modules are imported
        self.untrue += code not in allowed


def table(outcomes: Sequence[Outcome]) -> str:
    """Faults by kind and where they struck, and below what came of them."""
    faults = Counter(fault for outcome in outcomes for fault in outcome.faults)
    kinds = sorted({kind for kind, _ in faults})
    struck = [[faults[kind, phase] for phase in PHASES] for kind in kinds]
    rows = [[kind, sum(row), *row] for kind, row in zip(kinds, struck, strict=True)]
    sums = ["all", sum(map(sum, struck)), *map(sum, zip(*struck, strict=True))]
    counts = [
        ["runs disturbed", len(outcomes)],
        ["faults", len(list(faults.elements()))],
        ["runs finished", sum(not outcome.unfinished for outcome in outcomes)],
        ["results lost or changed afterwards", sum(outcome.lost for outcome in outcomes)],
        ["runs whose weights, optimizer, metrics or detections differ", sum(bool(o.differing) for o in outcomes)],
        ["untrue exit codes", sum(outcome.untrue for outcome in outcomes)],
        ["full disks that the error did not name", sum(outcome.untold for outcome in outcomes)],
    ]
    first = tabulate([*rows, sums], ["fault", "all", *PHASES], tablefmt="github")
    return f"{first}\n\n{tabulate(counts, ['', 'count'], tablefmt='github')}"
