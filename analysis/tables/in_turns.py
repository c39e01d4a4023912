"""What sessions, in which rows took turns, tell of a table: images a second, latency with ncnn, size of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.tables.matching import Filling
from analysis.tables.record import number
from analysis.tables.timings import COLUMN, LATENCY, NCNN, SIZE, STAGE, fullest
from gfl_bench.results.speed_records import Comparison
from gfl_bench.sweep.table import Table

COLUMNS = {STAGE: (COLUMN,), NCNN: (LATENCY, SIZE)}


def with_sessions(table: Table, filling: Filling, speeds: Sequence[Comparison]) -> Filling:
    """``filling`` with what the fullest sessions at its scale tell of the rows that were run.

    They are of a configuration and not of a seed. Images a second that each run measured itself give way to them,
    unless a row that has its own was not timed: both kinds never stand in one column. Only runs with the scale's own
    options are told of.
    """
    if filling.condition.changes:
        return filling
    for stage, columns in COLUMNS.items():
        best = fullest(table, speeds, filling.condition.scale, stage) if set(columns) & set(table.columns) else None
        if best is not None:
            filling = _with_stage(table, filling, best, stage)
    return filling


def _with_stage(table: Table, filling: Filling, best: Comparison, stage: str) -> Filling:
    done = {name: [one for one in found if one.state == "done"] for name, found in filling.samples.items()}
    told = {name: _told(f"{table.name}.{name}", best, stage) for name, found in done.items() if found}
    columns = COLUMNS[stage]
    if any(column in one.metrics and not told[name] for name in told for one in done[name] for column in columns):
        return filling
    timed = {name: {**filling.timed.get(name, {}), **values} for name, values in told.items()}
    return replace(filling, timed=timed, timed_on={**filling.timed_on, **dict.fromkeys(columns, best.machine)})


def _told(cell: str, comparison: Comparison, stage: str) -> Mapping[str, float]:
    speed = comparison.speed(cell, stage)
    if speed is None:
        return {}
    if stage == STAGE:
        return {COLUMN: speed.fps}
    last = next(one["cells"][cell] for one in reversed(comparison.sessions) if cell in one["cells"])
    size = number(last, SIZE)
    return {LATENCY: speed.median_ms} | ({} if size is None else {SIZE: size})
