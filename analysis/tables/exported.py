"""What only a session with ncnn tells of a row: its latency, and the size of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.tables.condition import Condition
from analysis.tables.matching import Filling
from analysis.tables.record import number
from analysis.tables.timings import LATENCY, NCNN, SIZE, fullest
from gfl_bench.results.speed_records import Comparison
from gfl_bench.sweep.table import Table


def with_exported(table: Table, filling: Filling, speeds: Sequence[Comparison]) -> Filling:
    """``filling`` with the latency and size of the fullest sessions at its scale in its runs' metrics.

    They are of the configuration and not of a seed, so that each run has the same; what a run measured itself stays.
    Only runs with the scale's own options are told of.
    """
    condition = filling.condition
    if not {LATENCY, SIZE} & set(table.columns) or condition != Condition(condition.scale):
        return filling
    best = fullest(table, speeds, condition.scale, NCNN)
    if best is None:
        return filling
    told = {row.name: _told(f"{table.name}.{row.name}", best) for row in table.rows}
    samples = {
        name: [
            replace(one, metrics={**told[name], **one.metrics}) if one.state == "done" else one for one in found
        ]
        for name, found in filling.samples.items()
    }
    return replace(filling, samples=samples)


def _told(cell: str, comparison: Comparison) -> Mapping[str, float]:
    speed = comparison.speed(cell, NCNN)
    if speed is None:
        return {}
    last = next(one["cells"][cell] for one in reversed(comparison.sessions) if cell in one["cells"])
    size = number(last, SIZE)
    return {LATENCY: speed.median_ms} | ({} if size is None else {SIZE: size})
