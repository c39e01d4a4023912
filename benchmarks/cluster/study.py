"""A study of any size: runs of all tables with as many seeds as that takes, half of them done."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.provenance import provenance
from gfl_bench.results.result import Result
from gfl_bench.results.status import Status
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.selection import Planned, plan_runs

SCALE = "demo"
STEPS, LOGGED = 600, 30
STATES = ("done",) * 10 + ("running", "failed") + ("absent",) * 8  # of each twenty runs, mixed by a stride
STRIDE = 7  # has no common divisor with their number
ELSEWHERE = "node1"  # a host whose processes nobody here can ask for


def selection(runs: Path, count: int) -> list[str]:
    """The words of a command line that name all tables, with the seeds that make at least ``count`` runs."""
    return [*load_tables(sweeps_folder()), f"--seeds=0-{_seeds(runs, count) - 1}", f"--scale={SCALE}", f"--runs={runs}"]


def write_study(runs: Path, count: int) -> None:
    """Records of ``count`` runs or some more, two in five of which have none yet."""
    origin = provenance()
    planned = plan_runs(None, SCALE, range(_seeds(runs, count)), (), runs).runs
    for number, one in enumerate(planned):
        state = STATES[number * STRIDE % len(STATES)]
        if state != "absent":
            one.folder.mkdir(parents=True)
            _write(one, state, origin)


def _seeds(runs: Path, count: int) -> int:
    return math.ceil(count / len(plan_runs(None, SCALE, (0,), (), runs).runs))


def _write(one: Planned, state: str, origin: dict[str, Any]) -> None:
    step = STEPS if state == "done" else STEPS // 2
    status = Status(state, host=ELSEWHERE, step=step, steps=STEPS, message="drawn" if state == "failed" else "")
    (one.folder / "status.json").write_text(json.dumps(status.as_json()))
    (one.folder / "config.yaml").write_text(json.dumps(one.config))  # which is YAML too
    (one.folder / "metrics.jsonl").write_text("".join(_lines(step)))
    if state == "done":
        (one.folder / "result.json").write_text(json.dumps(_result(one, origin).as_json(), indent=1))


def _lines(steps: int) -> Sequence[str]:
    logged = range(STEPS // LOGGED, steps + 1, STEPS // LOGGED)
    return [f'{{"step": {step}, "seconds": {step / 4}, "loss": {9 / step}}}\n' for step in logged]


def _result(one: Planned, origin: dict[str, Any]) -> Result:
    name, seed = one.folder.parent.name, one.seed
    return Result(
        cell=one.cell, id=name.rpartition("--")[2], seed=seed, scale=SCALE, config=one.config,
        command=f"python -m gfl_bench.run cell={one.cell}", parameters=1_072_674, provenance=origin,
        metrics={"AP": 20 + seed / 10, "AP50": 30 + seed / 10, "training_hours": 0.04 + seed / 1e4},
        timings={"steps": STEPS, "evaluation": 20.0, "speed": 5.0},
    )  # fmt: skip
