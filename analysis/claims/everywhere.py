"""Every claim judged at each scale that has evidence."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.claims.judgement import Judgement
from analysis.claims.ledger import judge
from gfl_bench.results.result import FINISHED
from gfl_bench.results.speed_records import Comparison
from gfl_bench.results.store import Runs
from gfl_bench.sweep.cells import CellError, ComposedCells
from gfl_bench.sweep.table import Table


def judge_everywhere(
    runs: Runs, tables: dict[str, Table], cells: ComposedCells, speeds: Sequence[Comparison], default: str
) -> list[Judgement]:
    """At each scale of finished runs, the longest first, every claim, and every claim at ``default`` where there are
    none; at a scale that was timed alone, those on speed that sessions are evidence on."""
    trained = [scale for scale in _trained(runs) if _can_compose(cells, scale)]
    scales = sorted(trained, key=cells.images, reverse=True) or [default]
    found = [judgement for scale in scales for judgement in judge(runs, tables, cells, scale, speeds)]
    timed = [scale for scale in _timed(speeds) if scale not in scales and _can_compose(cells, scale)]
    return found + [one for scale in timed for one in judge(runs, tables, cells, scale, speeds) if one.is_timed]


def _trained(runs: Runs) -> list[str]:
    """Scales of finished runs."""
    frame = runs.frame
    return sorted(map(str, frame.loc[frame["state"].isin(FINISHED), "scale"].unique()))


def _timed(speeds: Sequence[Comparison]) -> list[str]:
    return list(dict.fromkeys(one.condition.scale for one in speeds))


def _can_compose(cells: ComposedCells, scale: str) -> bool:
    try:
        cells.config(scale)
    except CellError:
        return False
    return True
