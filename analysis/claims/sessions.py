"""Sessions of ``gfl_bench.speed`` in the place of runs: rows compare within a session, as runs do within a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.claims.recorded import SECONDS_A_STEP
from analysis.claims.table_runs import TableRuns
from analysis.tables.matching import Sample
from analysis.tables.record import number
from analysis.tables.timings import COLUMN, LATENCY, NCNN, SIZE, STAGE, TRAIN, fullest
from gfl_bench.results.speed_records import Comparison
from gfl_bench.sweep.table import Table

STAGES = {COLUMN: STAGE, LATENCY: NCNN, SIZE: NCNN, SECONDS_A_STEP: TRAIN}  # that say a column


@dataclass(frozen=True)
class Sessions:
    """What judges the speed of a table's rows: one stage in sessions of one protocol on one machine."""

    table: Table
    comparison: Comparison
    stage: str = STAGE

    @property
    def command(self) -> str:
        """What adds a session."""
        return str(self.comparison.sessions[-1]["command"])

    def of(self, rows: Sequence[str]) -> TableRuns | None:
        """Each session in which all ``rows`` took turns, as a run of each of them; None without such a session.

        Times are the last row's median, and for the others as many times that as the median over rounds of their
        ratios says: what slows the machine slows both, so that ratios of medians differ more from session to session.
        """
        cells = {row: f"{self.table.name}.{row}" for row in rows}
        speeds = self.comparison.each_speed(cells[rows[-1]], self.stage)
        ratios = {row: self.comparison.each_ratio(cell, cells[rows[-1]], self.stage) for row, cell in cells.items()}
        places = sorted(set.intersection(*map(set, ratios.values())))
        if not places:
            return None
        machine, condition = self.comparison.machine, self.comparison.condition
        samples = {
            row: {
                place: Sample(
                    place, "done", "", self._metrics(cells[row], place, speeds[place].fps * each[place]),
                    hardware=condition.hardware,
                )
                for place in places
            }
            for row, each in ratios.items()
        }  # fmt: skip
        origin = f"in turns on {machine}, protocol {condition.protocol}"
        return TableRuns(self.table.name, self.table, samples, unit="session", origin=origin)


    def _metrics(self, cell: str, place: int, fps: float) -> Mapping[str, float]:
        if self.stage in (STAGE, TRAIN):
            return {COLUMN: fps} if self.stage == STAGE else {SECONDS_A_STEP: 1 / fps}
        size = number(self.comparison.sessions[place]["cells"][cell], SIZE)
        return {LATENCY: 1000 / fps} | ({} if size is None else {SIZE: size})


def sessions_of(table: Table | None, speeds: Sequence[Comparison], scale: str) -> dict[str, Sessions]:
    """The fullest sessions at ``scale`` for each column that some timed; two rows at least must have taken turns."""
    if table is None:
        return {}
    among = [one.among(cell.name for cell in table.cells) for one in speeds]
    turns = [one for one in among if one is not None]
    found = ((column, stage, fullest(table, turns, scale, stage)) for column, stage in STAGES.items())
    return {column: Sessions(table, one, stage) for column, stage, one in found if one is not None}
