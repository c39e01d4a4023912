"""``submit --local``: a process that outlives the command and starts its runs on this machine, some at a time."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfl_bench.sweep.submit.ending import as_ended
from gfl_bench.sweep.submit.job import Job, carry_class
from gfl_bench.sweep.submit.launching import make_executor
from gfl_bench.sweep.submit.submission import Submission, read_submission

if TYPE_CHECKING:
    from submitit import AutoExecutor

BEGIN = "import sys; sys.path.insert(0, sys.argv[1]); from gfl_bench.sweep.submit.local import work; work(sys.argv[2])"


def begin(submission: Submission, options: Mapping[str, Any]) -> Submission:
    """Start the process; its runs are its own until each has one."""
    with (submission.folder / "queue.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", BEGIN, str(submission.code), str(submission.folder)],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    submission = submission.taken({submission.runs / task.folder: str(process.pid) for task in submission.tasks})
    assert process.stdin is not None
    with process.stdin as waiting:  # it begins when it has the options, so that one writes the record at a time
        waiting.write(json.dumps(dict(options)).encode())
    return submission


def work(folder: str) -> None:
    """Run all of the submission in ``folder``; what each comes to is in its record."""
    options = json.loads(sys.stdin.read())
    submission = read_submission(Path(folder))
    assert submission is not None
    carry_class()
    executor = make_executor("local", options | {"submitit_folder": f"{folder}/jobs/%j"})
    for _ in as_ended(_started(executor, submission), options["array_parallelism"]):
        pass


def _started(executor: AutoExecutor, submission: Submission) -> Iterator[Any]:
    for task in submission.tasks:
        job = executor.submit(Job(str(submission.code), shlex.split(task.command)[3:]))
        submission = submission.taken({submission.runs / task.folder: job.job_id})
        yield job
