"""Which runs stand in which row of which table, and under which condition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar

import pandas as pd

from analysis.tables.condition import Condition, condition_of
from analysis.tables.groups import Group, groups_of
from analysis.tables.places import Place, identity, rows_at, sections_of
from gfl_bench.config.schema import Mode
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.result import FINISHED
from gfl_bench.results.store import Runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.table import Table

SAMPLED = ["path", "seed", "state", "message", "diverged_step", "diverged_term", "hardware", *METRICS]
T = TypeVar("T")


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
    """The runs of one table under one condition, by row name.

    Attributes:
        asked_for: by a row of the table, or by no cell at all.
        timed: by row and column, what sessions in turns tell; it stands instead of what runs measured themselves.
        timed_on: the machine of these sessions, by column.
    """

    condition: Condition
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    asked_for: bool = False
    timed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    timed_on: Mapping[str, str] = field(default_factory=dict)


def fill(table: Table, runs: Runs, cells: ComposedCells) -> list[Filling]:
    """One filling for each condition under which a row of ``table`` was finished, ordered by scale and changes.

    A run stands in a row if the sections that make a row are the same, however the run was asked for; a run asked for
    as a cell of another table counts as well, but a condition that only other tables have makes no filling here (the
    larger backbones of the zoo are no Table 11 each). Runs at scales that cannot be composed now stand in no table;
    ``cells.failures`` says why.
    """
    return list(_filler(Itself(runs.frame)).fill(Itself(table), Itself(cells)))


class Itself(Generic[T]):
    """Something as a key: equal to nothing but itself."""

    def __init__(self, value: T) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class _Filler:
    """The runs of one frame, grouped once; tables, claims and figures ask for the same fillings."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame, self.groups = frame, groups_of(frame)
        self.fill = cache(self._fill)

    def _fill(self, table: Itself[Table], cells: Itself[ComposedCells]) -> list[Filling]:
        return _fill(table.value, self.frame, self.groups, cells.value)


@lru_cache(maxsize=2)
def _filler(frame: Itself[pd.DataFrame]) -> _Filler:
    return _Filler(frame.value)


def _fill(table: Table, frame: pd.DataFrame, groups: list[Group], cells: ComposedCells) -> list[Filling]:
    fillings: dict[Condition, Filling] = {}
    places: dict[Condition, dict[str, list[int]]] = {}
    sections = sections_of(table)
    places_at = cache(lambda scale: rows_at(table, scale, cells, sections))  # of this table alone
    for group in groups:
        found = places_at(group.config["scale"]["name"]).get(identity(group.config, group.texts, sections))
        if found is not None:
            condition = _condition(group, found)
            filling = fillings.setdefault(condition, Filling(condition))
            filling.asked_for |= bool(group.tables & {table.name, None})
            places.setdefault(condition, {}).setdefault(found.name, []).extend(group.rows)
    samples = _samples(frame, [row for found in places.values() for rows in found.values() for row in rows])
    for condition, filling in fillings.items():
        filling.samples = {name: [samples[row] for row in sorted(rows)] for name, rows in places[condition].items()}
    finished = [filling for filling in fillings.values() if _has_results(filling) and _belongs(filling)]
    return sorted(finished, key=lambda filling: (filling.condition.scale, filling.condition.changes))


def _belongs(filling: Filling) -> bool:
    return filling.asked_for or not filling.condition.changes


def _condition(group: Group, row: Place) -> Condition:
    """``condition_of`` by those sections alone that are not the same; the others change nothing."""
    names = {name for name, text in group.texts.items() if text != row.texts[name]} | {"scale"}
    config, cell = ({key: one[key] for key in one if key in names} for one in (group.config, row.config))
    return condition_of(config, cell)


def _samples(frame: pd.DataFrame, rows: list[int]) -> dict[int, Sample]:
    runs = frame[SAMPLED].iloc[rows].to_dict("records")
    return {row: _sample(run) for row, run in zip(rows, runs, strict=True)}


def _sample(run: Mapping[Any, Any]) -> Sample:
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
    if ("mode", json.dumps(Mode.testdev.name)) in filling.condition.changes:
        return False  # they wrote detections to submit, and measured nothing
    return any(sample.is_finished for samples in filling.samples.values() for sample in samples)
