"""Groups of runs are handed over to SLURM, or to a process of this machine, with their code and a record of it."""

from __future__ import annotations

import platform
import shlex
import shutil
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gfl_bench.config.paths import PACKAGE
from gfl_bench.results.provenance import git_state
from gfl_bench.sweep.screen import several
from gfl_bench.sweep.selection import Planned
from gfl_bench.sweep.submit.arrays import submit_arrays
from gfl_bench.sweep.submit.launching import chunks
from gfl_bench.sweep.submit.local import begin
from gfl_bench.sweep.submit.queue import array_limit
from gfl_bench.sweep.submit.resources import Group, described
from gfl_bench.sweep.submit.snapshot import take_snapshot
from gfl_bench.sweep.submit.submission import Submission, Task, new_folder, read_submission


def preview(groups: Sequence[Group], canary: Planned | None) -> None:
    """Print what would be handed over: each array, what its jobs ask for, their commands."""
    if canary is not None:
        print(f"first, alone:\n  {_command(canary)}")
    for group in groups:
        for some in chunks([run for run in group.runs if run is not canary], array_limit()):
            print(f"{several(len(some), 'run')}, each {described(group.options)}:")
            print("\n".join(f"  {_command(run)}" for run in some))


def dispatch(runs: Path, groups: Sequence[Group], canary: Planned | None, local: bool) -> None:
    """Hand the groups over and print who has them.

    Raises:
        QueueError: SLURM refuses; what it took before stays queued.
    """
    submission = _prepared(runs, groups, "local" if local else "slurm")
    try:
        if local:
            begin(submission, groups[0].options)
        else:
            submit_arrays(submission, groups, canary)
    finally:
        _report(submission.folder, groups[0].options)


def _prepared(runs: Path, groups: Sequence[Group], executor: str) -> Submission:
    folder = new_folder(runs)
    tasks = [
        Task(str(run.folder.relative_to(runs)), run.cell, run.seed, _command(run), group.options["timeout_min"])
        for group in groups for run in group.runs
    ]  # fmt: skip
    command = shlex.join(["python", "-m", "gfl_bench.sweep", *sys.argv[1:]])
    git = git_state(PACKAGE.parent)
    submission = Submission(folder, time.time(), command, executor, platform.node(), git, tuple(tasks))
    take_snapshot(submission.code)
    submission.write()
    return submission


def _report(folder: Path, options: Mapping[str, Any]) -> None:
    """Print which jobs there are, as the record has them; where there is none, nothing is left of it."""
    submission = read_submission(folder)
    assert submission is not None
    taken = [task for task in submission.tasks if task.job]
    if not taken:
        shutil.rmtree(folder)
        return
    for (job, after), count in Counter((str(task.job).partition("_")[0], task.after) for task in taken).items():
        if submission.executor == "local":
            print(f"process {job} runs them, {options['array_parallelism']} at a time; `kill {job}`: no other begins")
        else:
            print(f"job {job}: {several(count, 'run')}{f', after {after} has succeeded' if after else ''}")
    if len(taken) < len(submission.tasks):
        print(f"{len(submission.tasks) - len(taken)} are not submitted; the same command submits them")
    print(f"code, jobs' logs: {folder}; how far they are: python -m gfl_bench.sweep status")


def _command(run: Planned) -> str:
    return shlex.join(["python", "-m", "gfl_bench.run", *run.overrides])
