"""What ``submit`` leaves in ``<runs>/.sweeps/<time>/``, so that others know which run is whose job.

``submission.json``, replaced as a whole each time that SLURM took an array:

- ``schema`` (1), ``time`` (seconds since 1970), ``command``, ``host`` where it was typed;
- ``executor``: ``slurm``, or ``local`` for processes of ``host``;
- ``git``: of the code, as ``provenance`` has it; the code itself is in ``code/``;
- ``tasks``: a list of ``Task``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from gfl_bench.atomic import replacing
from gfl_bench.results.reading import SCHEMA, Unreadable, read_object

SWEEPS = ".sweeps"  # below the folder of the records
NAME = "submission.json"
KINDS: dict[str, type | tuple[type, ...]] = {
    "time": (int, float), "command": str, "executor": str, "host": str, "git": (dict, type(None)), "tasks": list,
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """One run.

    Attributes:
        folder: of its record, below that of all records.
        command: what the job runs.
        minutes: time limit of the job; None where it has none.
        job: SLURM's id such as ``12_3``, or a process id; None as long as nobody took it.
        after: the job that must succeed before.
    """

    folder: str
    cell: str
    seed: int
    command: str
    minutes: int | None = None
    job: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Submission:
    """A call of ``submit``; ``folder`` is where it is written down."""

    folder: Path
    time: float
    command: str
    executor: str
    host: str
    git: Mapping[str, Any] | None
    tasks: tuple[Task, ...]

    @property
    def runs(self) -> Path:
        """The folder of the records."""
        return self.folder.parents[1]

    @property
    def code(self) -> Path:
        """The snapshot that the jobs run."""
        return self.folder / "code"

    def task(self, folder: Path) -> Task:
        """That of the run in ``folder``."""
        return next(task for task in self.tasks if self.runs / task.folder == folder)

    def task_of(self, job: str) -> Task | None:
        """That which ``job`` took."""
        return next((task for task in self.tasks if task.job == job), None)

    def log(self, task: Task) -> Path | None:
        """What the job of ``task`` prints; None where it has no job yet."""
        return None if task.job is None else self.folder / "jobs" / task.job / f"{task.job}_0_log.err"

    def taken(self, jobs: Mapping[Path, str], after: str | None = None) -> Submission:
        """The same, written, with the jobs that took the runs in some folders."""
        tasks = tuple(
            replace(task, job=jobs[folder], after=after) if (folder := self.runs / task.folder) in jobs else task
            for task in self.tasks
        )
        submission = replace(self, tasks=tasks)
        submission.write()
        return submission

    def write(self) -> None:
        """Put ``submission.json`` in its folder."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("folder", "tasks")}
        content = {"schema": SCHEMA, **values, "tasks": [asdict(task) for task in self.tasks]}
        with replacing(self.folder / NAME) as file:
            file.write(json.dumps(content, indent=1).encode())


def new_folder(runs: Path) -> Path:
    """A folder of this moment's that nobody else has."""
    for attempt in range(1, 1000):
        suffix = "" if attempt == 1 else f"-{attempt}"
        folder = runs / SWEEPS / f"{time.strftime('%Y%m%d-%H%M%S')}{suffix}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
    raise FileExistsError(f"{runs / SWEEPS} holds a thousand submissions of one second")


def read_submissions(runs: Path) -> list[Submission]:
    """Those of the records in ``runs``, oldest first; what cannot be read is passed over."""
    found = (read_submission(path.parent) for path in (runs / SWEEPS).glob(f"*/{NAME}"))
    return sorted((one for one in found if one is not None), key=lambda one: (one.time, one.folder))


def read_submission(folder: Path) -> Submission | None:
    """The submission in ``folder``; None where there is none that can be read."""
    values = read_object(folder / NAME, KINDS)
    if isinstance(values, Unreadable):
        return None
    try:
        tasks = tuple(_known(Task, task) for task in values["tasks"])
        return _known(Submission, values | {"folder": folder, "tasks": tasks})
    except (TypeError, AttributeError):
        return None


def _known(kind: type, values: Mapping[str, Any]) -> Any:
    """``kind`` from those of ``values`` that this version has."""
    return kind(**{f.name: values[f.name] for f in fields(kind) if f.name in values})
