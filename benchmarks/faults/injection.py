"""What can happen to a run, each as a start of it that is disturbed once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.attempt import STEPS, Attempt, Moment, last_step
from benchmarks.faults.disk import Disk
from benchmarks.faults.report import Outcome
from gfl_bench.results.record import RunFolder

Fault = Callable[[Path, Disk, Moment, Outcome], str]  # the run's folder, its disk, when; returns where it struck
Strike = Callable[[Attempt, Path, Disk, Outcome], None]  # what is done to a start of the run under way in a folder


def _at_its_moment(strike: Strike) -> Fault:
    def fault(folder: Path, disk: Disk, moment: Moment, outcome: Outcome) -> str:
        attempt = Attempt(folder)
        if not attempt.reaches(moment):
            outcome.check(attempt.process.returncode, folder)
            return "after its end"
        where = phase(folder)
        strike(attempt, folder, disk, outcome)
        return where

    return fault


def _stopped_by(number: signal.Signals) -> Fault:
    def stop(attempt: Attempt, folder: Path, disk: Disk, outcome: Outcome) -> None:
        attempt.signal(number)
        outcome.check(attempt.wait(), folder, stopped_by=number)

    return _at_its_moment(stop)


@_at_its_moment
def _disk_full(attempt: Attempt, folder: Path, disk: Disk, outcome: Outcome) -> None:
    disk.fill()
    code = attempt.wait()
    outcome.check(code, folder)
    if code and "No space left on device" not in attempt.output:
        outcome.untold += 1
    disk.free()


@_at_its_moment
def _doubled(attempt: Attempt, folder: Path, disk: Disk, outcome: Outcome) -> None:
    other = Attempt(folder)
    codes = other.wait(), attempt.wait()
    if codes != (0, 0) or (attempt.output.count("training") and other.output.count("training")):
        outcome.untrue += 1


def _damaged(folder: Path, disk: Disk, moment: Moment, outcome: Outcome) -> str:
    """Killed, and then half of its checkpoint is lost."""
    where = _stopped_by(signal.SIGKILL)(folder, disk, moment, outcome)
    for path in folder.glob("*/seed0/checkpoint.pt"):
        if not RunFolder(path.parent).is_finished():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return where


def phase(folder: Path) -> str:
    """How far the run in ``folder`` is."""
    path = next(folder.glob("*/seed0"), None)
    if path is None:
        return "starting"
    run = RunFolder(path)
    if run.is_finished():
        return "ending"
    step = last_step(folder)
    if step == 0:
        return "starting"
    return "training" if step < STEPS else "evaluating"


FAULTS: dict[str, Fault] = {
    "SIGKILL": _stopped_by(signal.SIGKILL),
    "SIGTERM": _stopped_by(signal.SIGTERM),
    "SIGUSR2": _stopped_by(signal.SIGUSR2),
    "SIGINT": _stopped_by(signal.SIGINT),
    "disk full": _disk_full,
    "started twice": _doubled,
    "SIGKILL, then half a checkpoint": _damaged,
}
NEEDS_SMALL_DISK = ("disk full",)
