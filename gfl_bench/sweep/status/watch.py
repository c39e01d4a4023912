"""What a sweep is doing at this moment, from its records and from what was submitted."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gfl_bench.results.reading import Unreadable, read_metrics
from gfl_bench.results.status import STALE_AFTER, Status, read_status
from gfl_bench.sweep.plan.duration import in_words
from gfl_bench.sweep.selection import FINISHED, Planned, state_of
from gfl_bench.sweep.status.queued import Queue
from gfl_bench.sweep.submit.submission import Submission, Task

RECENT = 5  # lines of the log that a rate is taken from
TROUBLE = ("failed", "stale", "lost")


@dataclass(frozen=True)
class Watched:
    """A run and what is known of it now.

    Attributes:
        state: of ``Planned``, or ``queued``, or ``lost``: its job has ended and left nothing.
        words: what is wrong, or why nobody knows; empty where all is well.
        rate: steps a second of late; None where nobody knows.
        log: what its job printed, if it was submitted.
    """

    run: Planned
    state: str
    words: str = ""
    step: int = 0
    steps: int | None = None
    rate: float | None = None
    log: Path | None = None


def watch(runs: Sequence[Planned], queue: Queue) -> list[Watched]:
    """``runs``, whose states are those of now, with what else is known of them."""
    return [_watched(run, queue) for run in runs]


def _watched(run: Planned, queue: Queue) -> Watched:
    if run.state in FINISHED:
        return Watched(run, run.state)
    task, submission = queue.tasks.get(run.folder, (None, None))
    log = submission.log(task) if task and submission else None
    word = queue.live.get(task.job) if task and task.job else None
    status = read_status(run.folder / "status.json")
    step, steps = (0, None) if isinstance(status, Unreadable) else (status.step, status.steps)
    if word and run.state != "running":
        return Watched(run, "queued", "" if word == "PENDING" else f"its job is {word}", step, steps, log=log)
    if run.state == "absent" and task and task.job and queue.knows(submission) and _may_begin(task, submission):
        return Watched(run, "lost", f"its job {task.job} is gone and left nothing", log=log)
    rate = _rate(run.folder) if run.state == "running" else None
    return Watched(run, run.state, _words(run, status), step, steps, rate, log)


def _may_begin(task: Task, submission: Submission | None) -> bool:
    """Whether the job that had to succeed before did; where it did not, this one was taken off the queue unbegun."""
    before = submission.task_of(task.after) if submission and task.after else None
    return before is None or submission is None or state_of(submission.runs / before.folder) in FINISHED


def _words(run: Planned, status: Status | Unreadable) -> str:
    if isinstance(status, Unreadable):
        return "" if run.state == "absent" else f"{status.path.name} {status.reason}"
    if run.state == "stale":
        return stale_words(status)
    if status.state in FINISHED:
        return f"says {status.state}, but its result.json cannot be read"
    return next(iter(status.message.strip().splitlines()), "")


def stale_words(status: Status) -> str:
    """Why nobody believes a record that says running."""
    age = time.time() - status.heartbeat
    if abs(age) < STALE_AFTER:
        return f"says running, but its process {status.pid} is gone from host {status.host}"
    if age < 0:
        return f"says running, its heartbeat is {in_words(-age)} ahead of the clock of {platform.node()}"
    return f"says running, no heartbeat for {in_words(age)} on host {status.host}"


def _rate(folder: Path) -> float | None:
    """Steps a second between the last lines of the log; None where a restart lies between them, or there are none."""
    lines = read_metrics(folder / "metrics.jsonl")[-RECENT:]
    try:
        steps = lines[-1]["step"] - lines[0]["step"]
        seconds = lines[-1]["seconds"] - lines[0]["seconds"]
        return steps / seconds if steps > 0 and seconds > 0 else None
    except (IndexError, KeyError, TypeError):
        return None


def counted(watched: Sequence[Watched]) -> Iterator[tuple[str, int]]:
    """How many are in each state that some are in, the finished first."""
    order = (*FINISHED, "running", "queued", "preempted", *TROUBLE, "absent")
    for state in order:
        number = sum(one.state == state for one in watched)
        if number:
            yield state, number
