"""What the commands that read a folder of records take."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cluster.measured import Usage, growth, measure

REPOSITORY = Path(__file__).parents[2]
SWEEP = (sys.executable, "-m", "gfl_bench.sweep")
CELL = "table05.beta2"


def report(sizes: Sequence[int]) -> str:
    """Plan, dry run, status, why and tables of studies of these sizes."""
    rows: dict[str, dict[int, Usage]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="gfl_bench-cluster-") as folder:
            runs = Path(folder) / "runs"
            written = [sys.executable, "-m", "benchmarks.cluster", "study", str(runs), str(size)]
            subprocess.run(written, cwd=REPOSITORY, check=True)  # not here: a process passes its peak memory on
            for name, command in commands(runs, size).items():
                rows.setdefault(name, {})[size] = measure(command, Path(folder))
                print(f"{size} {name}: {rows[name][size]}", file=sys.stderr, flush=True)
    return growth(rows)


def commands(runs: Path, size: int) -> dict[str, list[str]]:
    """What is measured, by name; the second making of tables finds the first one's cache, not its report."""
    from benchmarks.cluster.study import SCALE, selection

    words = selection(runs, size)
    tables = [sys.executable, str(REPOSITORY / "analysis/make_tables.py"), f"--runs={runs}", "--no-figures"]
    return {
        "plan": [*SWEEP, "plan", *words],
        "submit --dry-run": [*SWEEP, "submit", *words, "--dry-run"],
        "status": [*SWEEP, "status", f"--runs={runs}"],
        "why": [*SWEEP, "why", CELL, f"--scale={SCALE}", f"--runs={runs}"],
        "make_tables": [*tables, f"--out={runs.parent / 'report'}"],
        "make_tables, again": [*tables, f"--out={runs.parent / 'report2'}"],
    }
