"""Runs that a figure is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.evidence import Arrays, load_evidence
from analysis.tables.condition import Condition
from gfl_bench.results.reading import read_metrics


@dataclass(frozen=True)
class Run:
    """A finished run of a cell, ``<table>.<row>``."""

    cell: str
    seed: int
    path: Path
    config: Mapping[str, Any]
    metrics: Mapping[str, float]
    hardware: str | None

    @cached_property
    def evidence(self) -> Arrays:
        """What the evaluation kept beside the result; empty where it kept nothing."""
        return load_evidence(self.path) or {}

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """Lines of ``metrics.jsonl``."""
        return read_metrics(self.path / "metrics.jsonl")


@dataclass(frozen=True)
class Picked:
    """Runs of each cell under one condition, by rising seed."""

    condition: Condition
    runs: Mapping[str, Sequence[Run]]

    @property
    def first(self) -> Run:
        """The lowest seed of the first cell."""
        return next(iter(self.runs.values()))[0]

    @property
    def source(self) -> str:
        """For a caption: scale and data, what else is unusual, the runs."""
        changes = f", {self.condition.describe()}" if self.condition.changes else ""
        seeds = ",".join(map(str, sorted({run.seed for runs in self.runs.values() for run in runs})))
        data = self.first.config["data"]["name"]
        return f"Scale {self.condition.scale}, data {data}{changes}; cells {', '.join(self.runs)}; seed {seeds}."

    @property
    def one_source(self) -> str:
        """``source`` where only the lowest seed of each cell is shown."""
        return Picked(self.condition, {cell: runs[:1] for cell, runs in self.runs.items()}).source


Usable = Callable[[Run], bool]


def has_evidence(*keys: str) -> Usable:
    """Whether a run kept all of ``keys``, with something in them."""
    return lambda run: all(len(run.evidence.get(key, ())) > 0 for key in keys)
