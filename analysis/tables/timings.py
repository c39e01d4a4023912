"""How fast the rows of a table are, from sessions of ``gfl_bench.speed`` in which they took turns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gfl_bench.results.samples import Ratio, Summary
from gfl_bench.results.speed_records import Comparison
from gfl_bench.sweep.table import Row, Table

COLUMN = "FPS"  # of the tables
STAGE = "detect"  # that the paper's FPS are of
NCNN = "ncnn"  # the network alone, by that runtime
TRAIN = "train"  # a training step
STAGES = ("model", STAGE, "end_to_end", NCNN, TRAIN)
LATENCY, SIZE = "latency_ms", "size_mb"  # columns that only ncnn's sessions tell
HOURS = "training_hours"  # column that says how long steps take


@dataclass(frozen=True)
class Timing:
    """One row in one stage.

    Attributes:
        ratio: how many times as fast as the row that it is compared with; None for that row itself, and where the two
            never took turns.
        paper: the same from the paper's FPS.
    """

    speed: Summary
    ratio: Ratio | None
    paper: float | None


@dataclass(frozen=True)
class TimedTable:
    """The rows of a table that were timed under one condition.

    Attributes:
        comparison: the sessions in which at least two of them took turns.
        timings: by row's name and stage, in the table's order.
    """

    table: Table
    comparison: Comparison
    timings: Mapping[str, Mapping[str, Timing]]

    @property
    def stages(self) -> list[str]:
        return [stage for stage in STAGES if any(stage in timed for timed in self.timings.values())]

    @property
    def rows(self) -> list[Row]:
        """Those that were timed."""
        return [row for row in self.table.rows if row.name in self.timings]


def timed_tables(table: Table, comparisons: Iterable[Comparison]) -> list[TimedTable]:
    """One for each condition."""
    names = [cell.name for cell in table.cells]
    among = (one.among(names) for one in comparisons)
    found = (TimedTable(table, one, _timings(table, one)) for one in among if one is not None)
    return [one for one in found if one.timings]


def is_usual(comparison: Comparison, scale: str) -> bool:
    """Whether it is of ``scale`` with the scale's own options."""
    return (comparison.condition.scale, comparison.condition.overrides) == (scale, ())


def fullest(table: Table, comparisons: Iterable[Comparison], scale: str, stage: str) -> Comparison | None:
    """Of those of ``scale`` with its own options, the one that timed most rows in ``stage``; None if none did.

    Of equal ones that of most sessions, then the newest. Times of different protocols or machines never stand together.
    """
    def rank(one: Comparison) -> tuple[int, int, float]:
        rows = sum(one.speed(cell.name, stage) is not None for cell in table.cells)
        return rows, len(one.sessions), one.sessions[-1]["time"]

    ranked = [(rank(one), one) for one in comparisons if is_usual(one, scale)]
    (rows, *_), best = max(ranked, key=lambda each: each[0], default=((0,), None))
    return best if rows else None


def _timings(table: Table, comparison: Comparison) -> dict[str, dict[str, Timing]]:
    found = {row.name: _of_row(table, comparison, row) for row in table.rows if not row.needs}
    return {name: timings for name, timings in found.items() if timings}


def _of_row(table: Table, comparison: Comparison, row: Row) -> dict[str, Timing]:
    against = table.group(row)
    cell, baseline = table.cell(row).name, f"{table.name}.{against}"
    speeds = ((stage, comparison.speed(cell, stage)) for stage in STAGES)
    return {
        stage: Timing(
            speed,
            None if row.name == against else comparison.ratio(cell, baseline, stage),
            _printed(table, row, stage),
        )
        for stage, speed in speeds if speed is not None
    }  # fmt: skip


def _printed(table: Table, row: Row, stage: str) -> float | None:
    """How many times as fast as the row that it is compared with ``row`` is in the paper."""
    column = {STAGE: COLUMN, NCNN: LATENCY, TRAIN: HOURS}.get(stage)
    if column not in table.columns or row.name == table.group(row):
        return None
    index = table.columns.index(column)
    values = {one.name: one.paper[index] for one in table.rows}
    own, other = values[row.name], values[table.group(row)]
    if own is None or other is None or math.isnan(own / other):
        return None
    return own / other if column == COLUMN else other / own
