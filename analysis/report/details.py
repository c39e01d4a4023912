"""What a row of a table opens to: commands, differences to its baseline, seeds, curve, provenance."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.report.curve import Curve, training_curve
from analysis.report.provenance import provenance, trained
from analysis.report.records import Records
from analysis.tables.condition import command
from analysis.tables.matching import Sample
from analysis.tables.record import Record
from analysis.tables.summary import RowSummary, TableSummary
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.changes import Change, changes

SHOWN = 10  # seeds; a page of thousands of runs must stay light
SEED = re.compile(r"(?<=\sseed=)\S+")


@dataclass(frozen=True)
class Repetition:
    """One seed.

    Attributes:
        metrics: by column as printed; empty unless done.
        note: where it diverged, or why it is not finished.
    """

    seed: int
    state: str
    metrics: Mapping[str, str]
    note: str
    trained: str
    path: str


@dataclass(frozen=True)
class RowDetails:
    """All of a row that its table has no room for.

    Attributes:
        name: of the row, unique in its table.
        commands: (for which seeds, command).
        against: label of the row that the others are compared with; empty for that row itself.
        changes: options in which this row differs from that one.
        hidden: how many more seeds there are than ``repetitions`` shows.
    """

    name: str
    commands: tuple[tuple[str, str], ...]
    against: str
    changes: tuple[Change, ...]
    repetitions: tuple[Repetition, ...]
    hidden: int
    curve: Curve | None
    provenance: tuple[tuple[str, str], ...]


class Details:
    """Finds the details of rows in ``records``, and what no run tells in the cells as composed."""

    def __init__(self, records: Records, cells: ComposedCells, folder: str) -> None:
        self._records, self._cells, self._folder = records, cells, folder

    def of_table(self, summary: TableSummary) -> list[RowDetails]:
        """Those of every row, in the table's order."""
        rows = {row.row.name: row for row in summary.rows}
        return [self._of_row(summary, row, rows[summary.table.group(row.row)]) for row in summary.rows]

    def _of_row(self, summary: TableSummary, row: RowSummary, baseline: RowSummary) -> RowDetails:
        samples = _runs(row)
        shown = samples[:SHOWN]
        results = [self._records.result(sample.path) for sample in shown]
        return RowDetails(
            name=row.row.name,
            commands=tuple(_commands(results)) or self._composed_command(summary, row),
            against=row.against if row is not baseline else "",
            changes=tuple(changes(self._config(summary, row), self._config(summary, baseline))),
            repetitions=tuple(_repetition(summary, *pair) for pair in zip(shown, results, strict=True)),
            hidden=len(samples) - len(shown),
            curve=training_curve({sample.seed: self._records.metrics(sample.path) for sample in shown}),
            provenance=tuple(provenance(filter(None, results))),
        )

    def _config(self, summary: TableSummary, row: RowSummary) -> Record:
        """Of a run of the row; where there is none, what the row is at this scale; empty where it cannot be run."""
        ran = (self._records.config(sample.path) for sample in _runs(row))
        found = next(filter(None, ran), None)
        if found is not None or row.row.needs:
            return found or {}
        return self._cells.config(summary.condition.scale, summary.table.cell(row.row))

    def _composed_command(self, summary: TableSummary, row: RowSummary) -> tuple[tuple[str, str], ...]:
        if row.row.needs:
            return ()
        table = summary.table
        seeds = ",".join(map(str, range(table.seeds)))
        return (("", command([f"cell={table.cell(row.row).name}"], summary.condition, self._folder, seeds)),)


def _runs(row: RowSummary) -> list[Sample]:
    return sorted((*row.samples, *row.unfinished), key=lambda sample: (sample.seed, sample.path))


def _commands(results: Sequence[Record]) -> list[tuple[str, str]]:
    """The commands that the runs themselves recorded; those that differ in the seed alone are told once."""
    groups: dict[str, list[Record]] = {}
    for result in results:
        if result.get("command"):
            groups.setdefault(SEED.sub("", result["command"]), []).append(result)
    return [(_seeds(group), group[0]["command"]) for group in groups.values()]


def _seeds(results: Sequence[Record]) -> str:
    seeds = [str(result["seed"]) for result in results]
    if len(seeds) == 1:
        return f"Seed {seeds[0]}"
    return f"Seed {seeds[0]}; seeds {', '.join(seeds[1:])} likewise with seed=…"


def _repetition(summary: TableSummary, sample: Sample, result: Record) -> Repetition:
    digits = {name: summary.table.digits(name) for name in summary.table.columns}
    printed = {name: f"{sample.metrics[name]:.{digits[name]}f}" for name in digits if name in sample.metrics}
    note = sample.divergence or sample.message
    return Repetition(sample.seed, sample.state, printed, note, trained(result), sample.path)
