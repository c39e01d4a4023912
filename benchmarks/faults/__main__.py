"""Disturb runs at random moments until each is done, and compare them with one that nobody disturbed, bit for bit.

    nice python -m benchmarks.faults --rounds 50 --seconds 3600

A round is one run at scale smoke, generated scenes included, 120 steps with a checkpoint each 5: its process is killed,
told to stop, robbed of its disk, doubled, or finds its checkpoint damaged, and is started again by the same command
until it is done. Full disks need the right to mount a small tmpfs, and are left out without it.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.faults.attempt import Attempt, Moment
from benchmarks.faults.comparison import Left, differences
from benchmarks.faults.disk import Disk
from benchmarks.faults.injection import FAULTS, NEEDS_SMALL_DISK
from benchmarks.faults.report import Outcome, table

AGAIN = 1 / 3  # chance that a run that was started again is disturbed again
ATTEMPTS = 12  # a run that is not done by then is reported as unfinished


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50, help="runs to disturb (50)")
    parser.add_argument("--seconds", type=float, default=3600, help="begin no round later than this (3600)")
    parser.add_argument("--seed", type=int, default=0, help="of the kinds and moments (0)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the disk is not left behind
    with tempfile.TemporaryDirectory(prefix="gfl_bench-faults-") as folder, Disk(Path(folder) / "disk") as disk:
        outcomes = disturb(disk, options.rounds, options.seconds, random.Random(options.seed))
    print(table(outcomes))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def disturb(disk: Disk, rounds: int, seconds: float, draw: random.Random) -> list[Outcome]:
    """``rounds`` runs on ``disk``, or as many as begin within ``seconds``."""
    started = time.monotonic()
    whole = Attempt(disk.folder / "whole")
    whole.wait()
    expected = Left.of(whole.folder)
    outcomes = []
    for number in range(rounds):
        if time.monotonic() - started > seconds:
            break
        outcomes.append(disturbed_run(disk, disk.folder / f"round{number}", expected, draw))
        print(f"{number + 1}/{rounds}: {outcomes[-1]}", file=sys.stderr, flush=True)
    return outcomes


def disturbed_run(disk: Disk, folder: Path, expected: Left, draw: random.Random) -> Outcome:
    """One run, disturbed at least once, until it is done."""
    kinds = [kind for kind in FAULTS if disk.is_small or kind not in NEEDS_SMALL_DISK]
    outcome = Outcome()
    for attempt in range(ATTEMPTS):
        if attempt == 0 or draw.random() < AGAIN:
            kind = draw.choice(kinds)
            outcome.faults.append((kind, FAULTS[kind](folder, disk, Moment.random(draw), outcome)))
        else:
            outcome.check(Attempt(folder).wait(), folder)
        left = Left.of(folder)
        if left.is_done:
            outcome.check(Attempt(folder).wait(), folder)  # once more: it must be skipped, and stay as it is
            outcome.lost = Left.of(folder) != left
            outcome.differing = differences(left, expected)
            disk.forget(folder)
            return outcome
    outcome.unfinished = True
    return outcome


if __name__ == "__main__":
    sys.exit(main())
