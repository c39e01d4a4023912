"""How jobs end: with what they return, or without a word."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn

from gfl_bench.sweep.submit.queue import FINAL, QueueError, job_states

if TYPE_CHECKING:
    from submitit import Job

GOOD = ("done", "diverged", "skipped", "running")  # what a run returns; every other word is of a failure
POLL = 1.0  # seconds between two looks at the jobs' files
ASK = 10.0  # seconds between two questions to SLURM
GRACE = 15.0  # seconds that a shared disk may need to show what another node wrote


@dataclass(frozen=True)
class Ending:
    """``words`` for people, and what Hydra is to be given, if the job lived to return it."""

    words: str
    returned: JobReturn | None = None

    @property
    def is_good(self) -> bool:
        return self.words in GOOD


def as_ended(jobs: Iterable[Job[Any]], at_once: int) -> Iterator[tuple[int, Job[Any]]]:
    """Jobs and their places in ``jobs`` as they end; ``at_once`` are taken from it before one of them has ended."""
    coming, open_, missed = enumerate(jobs), dict[int, Any](), _Missed()
    while True:
        open_.update(islice(coming, at_once - len(open_)))
        if not open_:
            return
        missed.look(open_.values())
        for number in [number for number, job in open_.items() if _has_result(job) or missed.is_dead(job)]:
            yield number, open_.pop(number)
        time.sleep(POLL)


def ending(job: Job[Any]) -> Ending:
    """Of a job of ``as_ended``: the word that its first process returns, or a sentence on what went wrong."""
    if not _has_result(job):
        return Ending(f"its job {job.job_id} died{_state(job)}; {_last_words(job)}")
    try:
        returned = job.results()[0]
        return Ending(str(returned.return_value), returned)
    except Exception as error:  # whatever the run raised, here or within what submitit raises
        return Ending(f"its job {job.job_id} failed: {_cause(error)}; {_last_words(job)}")


class _Missed:
    """Jobs that are over without a result, and since when."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._asked = -math.inf

    def look(self, jobs: Collection[Job[Any]]) -> None:
        now = time.monotonic()
        if now - self._asked < ASK and not all(_is_local(job) for job in jobs):
            return
        self._asked = now
        try:
            self._since = {job: self._since.get(job, now) for job in _over(jobs)}
        except QueueError:
            return  # SLURM restarts, perhaps; nobody is dead for that

    def is_dead(self, job: Job[Any]) -> bool:
        since = self._since.get(job.job_id)
        return since is not None and (_is_local(job) or time.monotonic() - since > GRACE)


def _over(jobs: Collection[Job[Any]]) -> list[str]:
    """Ids of those that do not run, and will not."""
    over = [job.job_id for job in jobs if _is_local(job) and job.done()]
    queued = [job.job_id for job in jobs if not _is_local(job)]
    states = job_states(queued)
    return over + [job for job in queued if states.get(job, FINAL[0]) in FINAL]


def _is_local(job: Job[Any]) -> bool:
    from submitit.local.local import LocalJob

    return isinstance(job, LocalJob)


def _has_result(job: Job[Any]) -> bool:
    return all(job.task(rank).paths.result_pickle.exists() for rank in range(job.num_tasks))


def _state(job: Job[Any]) -> str:
    try:
        state = {} if _is_local(job) else job_states([job.job_id])
    except QueueError:
        return ""
    return f" ({state[job.job_id]})" if job.job_id in state else ""


def _last_words(job: Job[Any]) -> str:
    """The last line of what it printed, and where the rest is."""
    path = job.task(0).paths.stderr
    lines = (job.task(0).stderr() or "").strip().splitlines()
    return f"its last words, in {path}: {lines[-1].strip()}" if lines else f"it said nothing in {path}"


def _cause(error: Exception) -> str:
    """One line; submitit's own errors hold a traceback between lines of dashes."""
    parts = str(error).split("-" * 22)
    told = parts[1] if len(parts) > 2 else f"{type(error).__name__}: {error}"
    return (told.strip().splitlines() or [type(error).__name__])[-1]
