"""Groups of runs as arrays of SLURM jobs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from typing import Any

from gfl_bench.sweep.selection import Planned
from gfl_bench.sweep.submit.job import Job, carry_class
from gfl_bench.sweep.submit.launching import chunks, make_executor
from gfl_bench.sweep.submit.queue import QueueError, array_limit
from gfl_bench.sweep.submit.resources import Group
from gfl_bench.sweep.submit.submission import Submission

# What to do about a word of sbatch.
HINTS = {
    "partition": ". `sinfo` lists the partitions; choose with --partition",
    "account": ". `sacctmgr show assoc user=$USER` lists the accounts; choose with --account",
    "gres": ". The cluster knows no such GPUs: --gpus 0, or hydra.launcher.gres=...",
    "node configuration": ". No node has as much: fewer --gpus, --cpus or --mem, or another --partition",
    "temporarily unavailable": ". The whole cluster's queue is full (MaxJobCount): the same command again, later",
    "time limit": ". Shorter: --time MINUTES; a run goes on in the next job",
}  # fmt: skip


def submit_arrays(submission: Submission, groups: Sequence[Group], canary: Planned | None = None) -> Submission:
    """Have SLURM take the runs, each group in as few arrays as it allows; ``submission`` is written after each.

    No other run begins before ``canary`` has succeeded; where it does not, they are taken off the queue.

    Raises:
        QueueError: SLURM refuses an array; those before it are queued.
    """
    carry_class()
    after = None
    if canary is not None:
        options = next(group.options for group in groups if canary in group.runs)
        submission = _array(submission, options, [canary])
        after = submission.task(canary.folder).job
    for group in groups:
        for some in chunks([run for run in group.runs if run is not canary], array_limit()):
            submission = _array(submission, group.options, some, after)
    return submission


def _array(
    submission: Submission, options: Mapping[str, Any], runs: Sequence[Planned], after: str | None = None
) -> Submission:
    from submitit.core.utils import FailedJobError

    executor = make_executor("slurm", _after(options, after) | {"submitit_folder": f"{submission.folder}/jobs/%j"})
    try:
        with redirect_stderr(io.StringIO()):  # submitit prints there what it raises
            jobs = executor.submit_array([Job(str(submission.code), run.overrides) for run in runs])
    except FailedJobError as error:
        raise QueueError(refusal(str(error))) from error
    return submission.taken({run.folder: job.job_id for run, job in zip(runs, jobs, strict=True)}, after)


def _after(options: Mapping[str, Any], job: str | None) -> dict[str, Any]:
    if job is None:
        return dict(options)
    further = {**options["additional_parameters"], "kill-on-invalid-dep": "yes"}  # or they would wait for ever
    return {**options, "dependency": f"afterok:{job}", "additional_parameters": further}


def refusal(said: str) -> str:
    """What sbatch says on standard error, in a line, and what to do."""
    lines = [line.removeprefix("sbatch: error: ") for line in said.splitlines() if line.startswith("sbatch: error: ")]
    reason = "; ".join(dict.fromkeys(lines)) or " ".join(said.split())
    hint = next((hint for word, hint in HINTS.items() if word in reason.lower()), "")
    return f"SLURM refuses the jobs: {reason}{hint}"
