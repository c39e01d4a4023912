"""Which runs stand in which row of which table, and under which condition."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.cells import CellError, ComposedCells
from analysis.condition import Condition, condition_of
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.result import FINISHED
from gfl_bench.results.store import Runs
from gfl_bench.sweep.table import Table

ALWAYS = ("quality", "box", "guidance")  # sections that make a row, as do those whose options a table's rows set


@dataclass(frozen=True)
class Sample:
    """One run of a row."""

    seed: int
    state: str
    path: str
    metrics: Mapping[str, float]  # what was measured; empty unless done
    divergence: str = ""  # step and term
    message: str = ""
    hardware: str | None = None

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED


@dataclass
class Filling:
    """The runs of one table under one condition, by row name."""

    condition: Condition
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    asked_for: bool = False  # by a row of the table, or by no cell at all


def fill(table: Table, runs: Runs, cells: ComposedCells) -> list[Filling]:
    """One filling for each condition under which a row of ``table`` was finished, ordered by scale and changes.

    A run stands in a row if the sections that make a row are the same, however the run was asked for; a run asked for
    as a cell of another table counts as well, but a condition that only other tables have makes no filling here (the
    larger backbones of the zoo are no Table 11 each). Runs at scales that cannot be composed now stand in no table;
    ``cells.failures`` says why.
    """
    fillings: dict[Condition, Filling] = {}
    index: dict[str, dict[str, tuple[str, Mapping[str, Any]]]] = {}
    for run in _known(runs.frame):
        config = _meaning(run["config"])
        scale = config["scale"]["name"]
        if scale not in index:
            index[scale] = _rows_at(table, scale, cells)
        found = index[scale].get(_identity(table, config))
        if found is not None:
            condition = condition_of(config, found[1])
            filling = fillings.setdefault(condition, Filling(condition))
            filling.samples.setdefault(found[0], []).append(_sample(run))
            filling.asked_for |= not isinstance(run["cell"], str) or run["cell"].startswith(f"{table.name}.")
    finished = [filling for filling in fillings.values() if _has_results(filling) and _belongs(filling)]
    return sorted(finished, key=lambda filling: (filling.condition.scale, filling.condition.changes))


def _belongs(filling: Filling) -> bool:
    return filling.asked_for or not filling.condition.changes


def _known(frame: pd.DataFrame) -> list[dict[str, Any]]:
    about = ["path", "cell", "seed", "state", "message", "diverged_step", "diverged_term", "hardware", "config"]
    names = [*about, *METRICS]
    runs: list[dict[Any, Any]] = frame[names].to_dict("records")
    return [run for run in runs if _is_comparable(run["config"])]


def _is_comparable(config: Any) -> bool:
    sections = ("scale", "detector", *ALWAYS)
    return isinstance(config, Mapping) and all(
        isinstance(config.get(name), Mapping) and "name" in config[name] for name in sections
    )


def _meaning(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """``config`` with the guidance of k = 0 called by its other name, none (Table 8)."""
    return {**config, "guidance": {"name": "none"}} if config["guidance"].get("k") == 0 else config


def _rows_at(table: Table, scale: str, cells: ComposedCells) -> dict[str, tuple[str, Mapping[str, Any]]]:
    rows: dict[str, tuple[str, Mapping[str, Any]]] = {}
    with contextlib.suppress(CellError):  # a scale of another version of the project
        cells.config(scale)
        for row in table.rows:
            if not row.needs:
                config = cells.config(scale, table.cell(row))
                rows.setdefault(_identity(table, config), (row.name, config))
    return rows


def _identity(table: Table, config: Mapping[str, Any]) -> str:
    """What makes ``config`` a row of ``table``. Of the detector its name; its other options are a condition."""
    touched = {key.partition(".")[0] for cell in table.cells for key in cell.overrides if key != "detector"}
    sections = {name: config.get(name) for name in sorted({*ALWAYS, *touched})}
    return json.dumps([config["detector"]["name"], sections], sort_keys=True)


def _sample(run: Mapping[str, Any]) -> Sample:
    diverged = run["state"] == "diverged"
    return Sample(
        seed=int(run["seed"]) if pd.notna(run["seed"]) else -1,
        state=run["state"],
        path=run["path"],
        metrics={} if run["state"] != "done" else {name: run[name] for name in METRICS if pd.notna(run[name])},
        divergence=f"at step {int(run['diverged_step'])} in {run['diverged_term']}" if diverged else "",
        message=run["message"] or "",
        hardware=run["hardware"],
    )


def _has_results(filling: Filling) -> bool:
    return any(sample.is_finished for samples in filling.samples.values() for sample in samples)
