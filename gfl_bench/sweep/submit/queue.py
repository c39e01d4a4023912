"""What SLURM says of its jobs. ``sacct`` is not asked: many clusters keep no accounts, and those that do are late."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from gfl_bench.sweep.submit.submission import Submission

# Every other state is of a job that waits, runs, or is to run again.
FINAL = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT",
)  # fmt: skip
NO_SLURM = (
    "sbatch is not on the path: submit from a machine of the cluster, after what it asks for, such as `module load "
    "slurm`; hydra/launcher=local and `sweep submit --local` do without"
)
ARRAY_LIMIT = 1001  # SLURM's default


class QueueError(RuntimeError):
    """SLURM is not there, does not answer, or refuses."""


def require_slurm() -> None:
    """Raise ``QueueError`` where jobs cannot be submitted."""
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        raise QueueError(NO_SLURM)


def array_limit() -> int:
    """The most jobs of one array, SLURM's ``MaxArraySize``; its default where nobody can be asked."""
    try:
        found = re.search(r"^MaxArraySize\s*=\s*(\d+)", _answer("scontrol", "show", "config"), re.MULTILINE)
    except QueueError:
        return ARRAY_LIMIT
    return max(1, int(found[1])) if found else ARRAY_LIMIT


def job_states(jobs: Iterable[str]) -> dict[str, str]:
    """SLURM's word for the state of each job, such as ``12_3``; it forgets finished ones after some minutes.

    Raises:
        QueueError: it does not answer.
    """
    arrays = sorted({job.partition("_")[0] for job in jobs})
    if not arrays:
        return {}
    lines = _answer("squeue", "--noheader", "--array", "--states=all", "--format=%i|%T", f"--jobs={','.join(arrays)}")
    pairs = (line.split("|") for line in lines.splitlines() if "|" in line)
    return {job.strip(): state.strip() for job, state in pairs}


def _answer(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QueueError(f"{command[0]} does not answer: {error}") from error
    if done.returncode and "Invalid job id" not in done.stderr:  # of one that is forgotten, if it is the only one
        raise QueueError(f"{command[0]} does not answer: {' '.join(done.stderr.split())}")
    return done.stdout


def live_jobs(submissions: Sequence[Submission]) -> dict[str, str]:
    """State by id of their jobs that wait, run or are to run again: SLURM's word; ``RUNNING`` for a living process.

    Raises:
        QueueError: SLURM is asked, and does not answer.
    """
    queued = [task.job for one in submissions if one.executor == "slurm" for task in one.tasks if task.job]
    states = job_states(queued)
    live = {job: states[job] for job in queued if states.get(job, FINAL[0]) not in FINAL}
    for one in submissions:
        if one.executor == "local" and one.host == platform.node():
            live |= {task.job: "RUNNING" for task in one.tasks if task.job and _lives(task.job, one.folder)}
    return live


def _lives(process: str, folder: Path) -> bool:
    """Whether the process is there and has ``folder`` on its command line; the number may be another's by now."""
    command = Path("/proc") / process / "cmdline"
    try:
        os.kill(int(process), 0)
        return not command.parent.parent.is_dir() or str(folder) in command.read_bytes().decode(errors="replace")
    except (OSError, ValueError, OverflowError):
        return False
