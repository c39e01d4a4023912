"""Runs of a plan in the states that a sweep leaves them in."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Divergence, Result
from gfl_bench.results.status import Status
from gfl_bench.sweep.__main__ import main
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.selection import Planned, plan_runs

MACHINE = {"cpu": "A processor", "cores": 4, "gpus": []}
GPU = MACHINE | {"gpus": ["NVIDIA H200"]}


def planned(runs: Path, *what: str, scale: str = "demo", seeds: Sequence[int] = (0,)) -> list[Planned]:
    """The runs of some tables or cells, and the overrides among ``what``."""
    names = [word for word in what if "=" not in word]
    selection = plan_runs(names, scale, seeds, [word for word in what if "=" in word], runs)
    assert not selection.refused
    return selection.runs


def finish(
    run: Planned, step_seconds: float = 0.5, other: float = 20.0, hardware: Mapping[str, Any] = MACHINE,
    steps: int = 600, diverged: bool = False, processes: int = 1, **metrics: float,
) -> None:
    """The record of ``run``, which took ``step_seconds`` a step and ``other`` seconds besides."""
    folder = RunFolder(run.folder)
    folder.start(run.config)
    folder.finish(Result(
        cell=run.cell, id="id", seed=run.seed, scale=run.config["scale"]["name"], command="", config=run.config,
        metrics={"training_hours": steps * step_seconds / 3600, **metrics},
        timings={"steps": steps, "training": 1.0, "evaluation": other},
        provenance={"hardware": dict(hardware), "git": {"commit": "0123456789abcdef", "dirty": True},
                    "processes": processes},
        diverged=Divergence(7, "qfl") if diverged else None,
    ))  # fmt: skip


def leave(run: Planned, state: str, age: float = 0.0, **status: Any) -> None:
    """What ``run`` said last, ``age`` seconds ago; of another host, where nobody can ask for the process."""
    values = {"state": state, "heartbeat": time.time() - age, "host": "node7", "pid": 1, **status}
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "config.yaml").write_text(json.dumps(run.config))
    (run.folder / "status.json").write_text(json.dumps(Status(**values).as_json()))


def log(run: Planned, losses: Sequence[float], seconds_a_line: float = 10.0) -> None:
    """``metrics.jsonl`` with a line each 20 steps."""
    lines = ({"step": 20 * n, "loss": loss, "seconds": n * seconds_a_line} for n, loss in enumerate(losses, 1))
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def lacking(patch: pytest.MonkeyPatch, module: ModuleType, cell: str) -> None:
    """In ``module`` gfl_bench lacks a detector for ``cell``."""
    tables, (name, _, row) = load_tables(sweeps_folder()), cell.partition(".")
    rows = tuple(replace(one, needs="detector marsh") if one.name == row else one for one in tables[name].rows)
    patch.setattr(module, "load_tables", lambda folder: tables | {name: replace(tables[name], rows=rows)})


def say(capsys: Any, *arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of ``gfl-bench-sweep *arguments``."""
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()
