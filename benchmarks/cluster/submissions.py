"""What ``submit`` takes against a live queue, and what then sees thousands of waiting jobs. None of them begins."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cluster.measured import Usage, growth, measure
from benchmarks.cluster.records import CELL, SWEEP
from gfl_bench.sweep.submit.submission import SWEEPS, read_submissions

WAITING = "waiting"  # a partition that starts no job


def report(sizes: Sequence[int]) -> str:
    """Submissions of these sizes, each taken off the queue afterwards."""
    rows: dict[str, dict[int, Usage]] = {}
    left = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="gfl_bench-cluster-") as folder:
            runs = Path(folder) / "runs"
            try:
                for name, command in commands(runs, size).items():
                    rows.setdefault(name, {})[size] = measure(command, Path(folder))
                    print(f"{size} {name}: {rows[name][size]}", file=sys.stderr, flush=True)
                left.append(f"{size:,}: {files(runs)}")
            finally:
                withdraw(runs)
    return "\n\n".join([growth(rows), "Left: " + "; ".join(left) + "."])


def commands(runs: Path, size: int) -> dict[str, list[str]]:
    """What is measured, by name; the second ``submit`` finds all of them queued."""
    from benchmarks.cluster.study import SCALE, selection

    submit = [*SWEEP, "submit", *selection(runs, size), "--time=60", f"--partition={WAITING}"]
    return {
        "submit": submit,
        "submit, all queued": submit,
        "status": [*SWEEP, "status", f"--runs={runs}"],
        "why": [*SWEEP, "why", CELL, f"--scale={SCALE}", f"--runs={runs}"],
    }


def withdraw(runs: Path) -> None:
    """Cancel what was submitted for ``runs``."""
    tasks = [task for one in read_submissions(runs) for task in one.tasks]
    arrays = sorted({task.job.partition("_")[0] for task in tasks if task.job})
    if arrays:
        subprocess.run(["scancel", *arrays], check=True)


def files(runs: Path) -> str:
    """How much of what submissions have left there is."""
    paths = list((runs / SWEEPS).rglob("*"))
    notes = sum(path.stat().st_size for path in paths if path.name == "submission.json")
    below = [path for path in paths if "jobs" in path.relative_to(runs).parts and not path.is_dir()]
    folders = sum(path.is_dir() for path in paths)
    return f"{len(below)} files of jobs, {folders} folders, {len(paths)} in all; submission.json {notes / 1e6:.1f} MB"
