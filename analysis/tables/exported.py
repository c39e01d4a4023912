"""What only a session with ncnn tells of a row: its latency, and the size of its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.tables.condition import Condition
from analysis.tables.matching import Filling
from analysis.tables.record import number
from analysis.tables.timings import LATENCY, NCNN, SIZE, is_usual
from gfl_bench.results.speed_records import Comparison
from gfl_bench.sweep.table import Table


def with_exported(table: Table, filling: Filling, speeds: Sequence[Comparison]) -> Filling:
    """``filling`` with the latency and size of sessions at its scale, of those of most sessions, in its runs' metrics.

    They are of the configuration and not of a seed, so that each run has the same; what a run measured itself stays.
    Only runs with the scale's own options are told of.
    """
    condition = filling.condition
    usual = [one for one in speeds if is_usual(one, condition.scale) and condition == Condition(condition.scale)]
    if not {LATENCY, SIZE} & set(table.columns) or not usual:
        return filling
    told = {row.name: _told(f"{table.name}.{row.name}", usual) for row in table.rows}
    samples = {
        name: [
            replace(one, metrics={**told[name], **one.metrics}) if one.state == "done" else one for one in found
        ]
        for name, found in filling.samples.items()
    }
    return replace(filling, samples=samples)


def _told(cell: str, comparisons: Sequence[Comparison]) -> Mapping[str, float]:
    timed = [one for one in comparisons if one.speed(cell, NCNN) is not None]
    if not timed:
        return {}
    most = max(timed, key=lambda one: (len(one.sessions), one.sessions[-1]["time"]))
    speed = most.speed(cell, NCNN)
    assert speed is not None
    last = next(one["cells"][cell] for one in reversed(most.sessions) if cell in one["cells"])
    size = number(last, SIZE)
    return {LATENCY: speed.median_ms} | ({} if size is None else {SIZE: size})
