"""How long a scheduler is kept by those who ask for thousands of jobs, and how fast it runs trivial ones."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from resource import RUSAGE_CHILDREN, getrusage

from tabulate import tabulate

from gfl_bench.sweep.submit.queue import FINAL, array_limit, job_states

ASKED = 5  # times each
PATIENCE = 900.0  # seconds until trivial jobs must be done
ANSWER = re.compile(r"REQUEST_JOB_INFO(?:_SINGLE)?\s.*count:(\d+)\s.*total_time:(\d+)")


@dataclass(frozen=True)
class Answer:
    """A question for all arrays: milliseconds that it took, that squeue computed, that the scheduler computed."""

    wall: float
    squeue: float
    scheduler: float


def report(sizes: Sequence[int]) -> str:
    """Questions to the queue while jobs that do nothing wait, and after they have run."""
    lines = []
    for size in sizes:
        arrays = list(submitted(size))
        try:
            waiting = asked(arrays)
            subprocess.run(["scontrol", "release", *arrays], check=True)
            seconds = until_done(arrays)
            done = asked(arrays)
        finally:
            subprocess.run(["scancel", *arrays], check=True)
        lines.append([size, len(arrays), *_words(waiting), *_words(done), f"{size / seconds:.1f}"])
        print(lines[-1], file=sys.stderr, flush=True)
    said = ("ms", "squeue ms", "slurmctld ms")
    header = ["jobs", "arrays", *(f"waiting: {one}" for one in said), *(f"run: {one}" for one in said), "jobs a second"]
    return tabulate(lines, header, tablefmt="github")


def submitted(size: int) -> Iterator[str]:
    """Arrays of held jobs that do nothing, as large as is allowed."""
    limit, does_nothing = array_limit(), ["--mem=1", "--output=/dev/null", "--wrap=true"]
    for start in range(0, size, limit):
        last = min(limit, size - start) - 1
        command = ["sbatch", "--parsable", "--hold", f"--array=0-{last}", *does_nothing]
        yield subprocess.check_output(command, text=True).strip()


def asked(arrays: Sequence[str]) -> Answer:
    """The mean over some questions of ``gfl_bench.sweep status``."""
    counted, used, start = _answers(), _children(), time.perf_counter()
    for _ in range(ASKED):
        job_states(arrays)
    wall, squeue = time.perf_counter() - start, _children() - used
    count, total = (now - then for now, then in zip(_answers(), counted, strict=True))
    return Answer(1e3 * wall / ASKED, 1e3 * squeue / ASKED, total / 1e3 / max(count, 1))


def until_done(arrays: Sequence[str]) -> float:
    """Seconds until none of the jobs waits or runs.

    Raises:
        TimeoutError: some still do.
    """
    start = time.monotonic()
    while not all(state in FINAL for state in job_states(arrays).values()):
        if time.monotonic() - start > PATIENCE:
            raise TimeoutError(f"jobs that do nothing are not done after {PATIENCE:.0f} s")
        time.sleep(2)
    return time.monotonic() - start


def _answers() -> tuple[int, int]:
    """How often the scheduler was asked for jobs, and the microseconds that this took."""
    found = ANSWER.findall(subprocess.check_output(["sdiag"], text=True))
    return sum(int(count) for count, _ in found), sum(int(total) for _, total in found)


def _children() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _words(answer: Answer) -> tuple[str, ...]:
    return tuple(f"{value:.1f}" for value in (answer.wall, answer.squeue, answer.scheduler))
