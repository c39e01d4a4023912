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
POLL = 1.0  # seconds between two looks at the jobs' files, at least
LOOKS = 100  # files a second that are looked for, at most: a network disk has other users
ASK = 10.0  # seconds between two questions to SLURM
TELLING = ("oom", "memory limit", "out of memory")  # words of a last line but one that says more than "Killed"
GRACE = 15.0  # seconds that a shared disk may need to show what another node wrote


@dataclass(frozen=True)
class Ending:
    """``words`` for people, and what Hydra is to be given, if the job lived to return it."""

    words: str
    returned: JobReturn | None = None

    @property
    def is_good(self) -> bool:
        return self.words in GOOD


def as_ended(jobs: Iterable[Job[Any]], at_once: int) -> Iterator[tuple[int, Ending]]:
    """How ``jobs`` end, as they do, by their places; ``at_once`` are taken before one of them has ended."""
    coming, open_, missed = enumerate(jobs), dict[int, Any](), _Missed()
    while True:
        open_.update(islice(coming, at_once - len(open_)))
        if not open_:
            return
        missed.look(open_.values())
        for number in [number for number, job in open_.items() if _has_result(job) or missed.is_dead(job)]:
            job = open_.pop(number)
            yield number, ending(job, missed.states.get(job.job_id, ""))
        time.sleep(max(POLL, len(open_) / LOOKS))


def ending(job: Job[Any], state: str = "") -> Ending:
    """The word that the first process of ``job`` returned, or a sentence on what went wrong; ``state`` is SLURM's."""
    if not _has_result(job):
        return Ending(f"its job {job.job_id} died{f' ({state})' if state else ''}; {_last_words(job)}")
    try:
        returned = job.results()[0]
        return Ending(str(returned.return_value), returned)
    except Exception as error:  # whatever the run raised, here or within what submitit raises
        return Ending(f"its job {job.job_id} failed: {_cause(error)}; {_last_words(job)}")


class _Missed:
    """Jobs that are over without a result, and since when.

    Attributes:
        states: SLURM's words at the last look.
    """

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._asked = -math.inf

    def look(self, jobs: Collection[Job[Any]]) -> None:
        now = time.monotonic()
        if now - self._asked < ASK and not all(_is_local(job) for job in jobs):
            return
        self._asked = now
        try:
            self.states = job_states([job.job_id for job in jobs if not _is_local(job)])
        except QueueError:
            return  # SLURM restarts, perhaps; nobody is dead for that
        self._since = {job.job_id: self._since.get(job.job_id, now) for job in jobs if self._is_over(job)}

    def is_dead(self, job: Job[Any]) -> bool:
        since = self._since.get(job.job_id)
        return since is not None and (_is_local(job) or time.monotonic() - since > GRACE)

    def _is_over(self, job: Job[Any]) -> bool:
        """Whether it does not run, and will not; SLURM soon forgets those that ended."""
        return job.done() if _is_local(job) else self.states.get(job.job_id, FINAL[0]) in FINAL


def _is_local(job: Job[Any]) -> bool:
    from submitit.local.local import LocalJob

    return isinstance(job, LocalJob)


def _has_result(job: Job[Any]) -> bool:
    return all(job.task(rank).paths.result_pickle.exists() for rank in range(job.num_tasks))


def _last_words(job: Job[Any]) -> str:
    """The last line of what it printed, or one just before that names memory, and where the rest is."""
    path = job.task(0).paths.stderr
    lines = (job.task(0).stderr() or "").strip().splitlines()
    if not lines:
        return f"it said nothing in {path}"
    telling = [line for line in lines[-5:] if any(word in line.lower() for word in TELLING)]
    return f"its last words, in {path}: {(telling or lines)[-1].strip()}"


def _cause(error: Exception) -> str:
    """One line; submitit's own errors hold a traceback between lines of dashes."""
    parts = str(error).split("-" * 22)
    told = parts[1] if len(parts) > 2 else f"{type(error).__name__}: {error}"
    return (told.strip().splitlines() or [type(error).__name__])[-1]
