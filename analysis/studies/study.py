"""A study: the same statistics of the evidence of several rows, as a sheet of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis.stats import mean_interval
from analysis.studies.statistics import numbers
from analysis.tables.condition import Condition, command
from analysis.tables.digits import NOTHING, interval_text
from analysis.tables.matching import Sample, fill
from analysis.tables.sheet import Entry, Line, Sheet
from analysis.tables.summary import by_seed
from gfl_bench.results.store import Runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.table import Table

DIGITS = 3
SEEDS = "0,1,2"


@dataclass(frozen=True)
class Study:
    """Statistics of rows of several tables.

    Attributes:
        name: of its files, and of its statistics among ``analysis.studies.statistics.KINDS``.
        cells: its rows, ``<table>.<row>``, with their labels.
        columns: names of statistics.
    """

    name: str
    title: str
    caption: str
    cells: Mapping[str, str]
    columns: tuple[str, ...]

    def sheets(
        self, runs: Runs, tables: Mapping[str, Table], cells: ComposedCells, folder: str, default: str | None = None
    ) -> list[Sheet]:
        """One for each scale at which a row has evidence, options as the scale has them.

        Args:
            folder: of the runs, for commands.
            default: a scale; where no row has evidence, there is an empty sheet of it.
        """
        found = {cell: _samples(cell, runs, tables, cells) for cell in self.cells}
        scales = list(dict.fromkeys(scale for samples in found.values() for scale in samples))
        sheets = [
            self._sheet(scale, {cell: samples[scale] for cell, samples in found.items() if scale in samples}, folder)
            for scale in scales
        ]
        told = [sheet for sheet in sheets if any(line.seeds != "0" for line in sheet.lines)]
        return told or ([] if default is None else [self._sheet(default, {}, folder)])

    def _sheet(self, scale: str, found: Mapping[str, Mapping[int, Sample]], folder: str) -> Sheet:
        table = Table(
            name=self.name, title=self.title, source="", columns=self.columns, base={}, baseline="", seeds=0, rows=(),
            compare=(),
        )  # fmt: skip
        return Sheet(
            name=f"{self.name}.{scale}", table=table, heading=self.title, setting=f"Scale {scale}",
            caption=f"Scale {scale}. {self.caption}",
            lines=[self._line(cell, found.get(cell, {}), scale, folder) for cell in self.cells],
            command=command([f"cell={','.join(self.cells)}"], Condition(scale), folder, SEEDS), is_measured=False,
        )  # fmt: skip

    def _line(self, cell: str, samples: Mapping[int, Sample], scale: str, folder: str) -> Line:
        told = [one for sample in samples.values() if (one := numbers(Path(sample.path), self.name))]
        entries = tuple(Entry(_mean([one[name] for one in told if name in one]), "") for name in self.columns)
        missing = "" if told else command([f"cell={cell}"], Condition(scale), folder, SEEDS)
        return Line(f"{self.cells[cell]}, n = {len(told)}", entries, str(len(told)), (), (), missing)


def _samples(
    cell: str, runs: Runs, tables: Mapping[str, Table], cells: ComposedCells
) -> dict[str, dict[int, Sample]]:
    """By scale and seed, the done runs of a cell under the scale's own conditions."""
    table, _, row = cell.partition(".")
    fillings = (filling for filling in fill(tables[table], runs, cells) if not filling.condition.changes)
    return {
        filling.condition.scale: {
            seed: sample for seed, sample in by_seed(filling.samples.get(row, [])).items() if sample.state == "done"
        }
        for filling in fillings
    }  # fmt: skip


def _mean(values: list[float]) -> str:
    interval = mean_interval(values)
    return NOTHING if interval is None else interval_text(interval, DIGITS).replace("-", "\N{MINUS SIGN}")
