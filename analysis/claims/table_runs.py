"""The finished runs of a table's rows, under a scale's own conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.claims.judgement import Unit
from analysis.claims.quantity import quantity
from analysis.tables.condition import Condition
from analysis.tables.matching import Sample, fill
from analysis.tables.summary import by_seed
from gfl_bench.results.store import Runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.table import Row, Table
from gfl_bench.sweep.validity import SweepError

if TYPE_CHECKING:
    from analysis.claims.sessions import Sessions


@dataclass(frozen=True)
class TableRuns:
    """What a claim is judged by.

    Attributes:
        table: None where ``sweeps/`` has none of the name.
        runs: by row and seed, those that diverged included.
        numbers: those looked up already, since files of evidence are large.
        unit: what repeats a measurement.
        timed: sessions in which rows took turns, by the column that they say.
        origin: where times are from, in words; empty of runs.
    """

    name: str
    table: Table | None
    runs: dict[str, dict[int, Sample]] = field(default_factory=dict)
    numbers: dict[tuple[str, int, str], float | None] = field(default_factory=dict)
    unit: Unit = "seed"
    timed: Mapping[str, Sessions] = field(default_factory=dict)
    origin: str = ""

    def measuring(self, column: str, rows: Sequence[str]) -> TableRuns:
        """Where ``column`` of ``rows`` is looked up: speed in the sessions, if there is one that timed all of them."""
        sessions = self.timed.get(column)
        return (sessions and sessions.of(rows)) or self

    def of(self, row: str) -> dict[int, Sample]:
        return self.runs.get(row, {})

    def number(self, row: str, seed: int, column: str) -> float | None:
        """The quantity ``column`` of one run; None where it diverged, or its files do not tell."""
        key = (row, seed, column)
        if key not in self.numbers:
            run = self.runs[row][seed]
            self.numbers[key] = quantity(column).read(run) if run.state == "done" else None
        return self.numbers[key]

    def label(self, row: str) -> str:
        """For people.

        Raises:
            SweepError: the table has no such row.
        """
        return row if self.table is None else self._row(row).label

    def cells(self, rows: tuple[str, ...]) -> list[str]:
        """Cells of those ``rows`` that can be run, each once."""
        if self.table is None:
            return []
        return [self.table.cell(self._row(row)).name for row in dict.fromkeys(rows) if not self._row(row).needs]

    @property
    def seeds(self) -> int:
        """How many the table asks for."""
        return 0 if self.table is None else self.table.seeds

    def _row(self, name: str) -> Row:
        assert self.table is not None
        found = [row for row in self.table.rows if row.name == name]
        if not found:
            known = ", ".join(row.name for row in self.table.rows)
            raise SweepError(f"claims.yaml: {self.name} has no row {name}; it has {known}")
        return found[0]


def table_runs(name: str, tables: dict[str, Table], runs: Runs, cells: ComposedCells, scale: str) -> TableRuns:
    """The runs of the table ``name`` at ``scale``, options as the scale has them."""
    if name not in tables:
        return TableRuns(name, None)
    usual = [filling for filling in fill(tables[name], runs, cells) if filling.condition == Condition(scale)]
    found = usual[0].samples if usual else {}
    return TableRuns(name, tables[name], {row: by_seed(samples) for row, samples in found.items()})
