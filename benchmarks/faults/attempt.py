"""One start of the run that is disturbed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from gfl_bench.results.record import RunFolder

STEPS = 120
OPTIONS = (
    "scale=smoke", f"scale.steps_per_epoch={STEPS // 3}", "schedule.epochs=3", "schedule.decay_epochs=[2]",
    "machine.threads=1", "machine.checkpoint_every=5",
)  # fmt: skip
STARTING = 5.0  # seconds, about what imports and scenes take


@dataclass(frozen=True)
class Moment:
    """``delay`` seconds after the log first tells of ``step``, or, at step 0, after the start."""

    step: int
    delay: float

    @classmethod
    def random(cls, draw: random.Random) -> Moment:
        """One of four in the seconds of the start, one in evaluation and timing, two in the training."""
        step = draw.choice([0, STEPS, *draw.choices(range(1, STEPS), k=2)])
        return cls(step, draw.uniform(0, 1 if step else STARTING))


class Attempt:
    """The command's process, in a group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "gfl_bench.run", *OPTIONS, f"paths.runs={folder}", f"paths.cache={folder}"]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,
        )  # fmt: skip
        self.output = ""

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code; None if it is not done within ``seconds``."""
        try:
            self.output += self.process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            return None
        return self.process.returncode

    def reaches(self, moment: Moment) -> bool:
        """Wait for ``moment``; False if it ended before."""
        while self.process.poll() is None and last_step(self.folder) < moment.step:
            time.sleep(0.01)
        return self.wait(moment.delay) is None

    def signal(self, number: signal.Signals) -> None:
        """Send ``number`` to the group, as shells and schedulers do."""
        os.killpg(self.process.pid, number)


def last_step(folder: Path) -> int:
    """The last step that the log of the run below ``folder`` tells of; 0 before."""
    lines = [line for path in folder.glob("*/seed0") for line in RunFolder(path).metrics()]
    return int(lines[-1]["step"]) if lines else 0
