"""What was submitted for a folder of records, and what the queue says of it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gfl_bench.sweep.submit.queue import QueueError, live_jobs
from gfl_bench.sweep.submit.submission import Submission, Task, read_submissions


@dataclass(frozen=True)
class Queue:
    """Tasks and their jobs.

    Attributes:
        tasks: by the folder of the run, the last one of each, with its submission.
        live: the queue's word by job, of those that are still in it.
        fault: why the queue says nothing.
    """

    tasks: Mapping[Path, tuple[Task, Submission]]
    live: Mapping[str, str]
    fault: str = ""

    def knows(self, submission: Submission | None) -> bool:
        """Whether ``live`` would have the jobs of ``submission``: not those of another host's processes."""
        if submission is None or submission.executor == "local":
            return submission is not None and submission.host == platform.node()
        return not self.fault


def read_queue(runs: Path) -> Queue:
    """The submissions of ``runs``; an empty queue where nothing was submitted."""
    submissions = read_submissions(runs)
    tasks = {runs / task.folder: (task, one) for one in submissions for task in one.tasks}
    try:
        return Queue(tasks, live_jobs(submissions))
    except QueueError as error:
        return Queue(tasks, {}, str(error))
