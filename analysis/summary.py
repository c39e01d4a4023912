"""One table under one condition in numbers: means, paired differences, what diverged, what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.condition import Condition
from analysis.matching import Filling, Sample
from analysis.stats import Interval, mean_interval, paired_difference
from gfl_bench.sweep.table import Row, Table


@dataclass(frozen=True)
class RowSummary:
    """A row's numbers.

    Attributes:
        measured: by column; None where nothing was measured.
        differences: by column, to the row that it is compared with; None for that row itself.
        against: label of that row.
        done: finished seeds, those that diverged not counted.
        diverged: runs that diverged.
        unfinished: runs that failed, were stopped, or are under way.
        doubled: paths of runs left out because their seed stands already.
    """

    row: Row
    measured: Mapping[str, Interval | None]
    differences: Mapping[str, Interval | None]
    against: str
    done: int
    diverged: tuple[Sample, ...]
    unfinished: tuple[Sample, ...]
    doubled: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no run of it was finished."""
        return not self.done and not self.diverged


@dataclass(frozen=True)
class TableSummary:
    """A table's rows under one condition."""

    table: Table
    condition: Condition
    rows: tuple[RowSummary, ...]
    hardware: tuple[str, ...]  # that the done runs were made on


def summarise(table: Table, filling: Filling) -> TableSummary:
    """The numbers of ``table`` from the runs of ``filling``."""
    samples = {row.name: _by_seed(filling.samples.get(row.name, [])) for row in table.rows}
    labels = {row.name: row.label for row in table.rows}
    rows = []
    for row in table.rows:
        against = row.against or table.baseline
        baseline = {} if against == row.name else samples[against]
        rows.append(_row(table, row, samples[row.name], baseline, labels[against], filling))
    used = {sample.hardware for found in samples.values() for sample in found.values() if sample.metrics}
    return TableSummary(table, filling.condition, tuple(rows), tuple(sorted(name for name in used if name)))


def _row(
    table: Table, row: Row, samples: dict[int, Sample], baseline: dict[int, Sample], against: str, filling: Filling
) -> RowSummary:
    runs = filling.samples.get(row.name, [])
    values = {column: _column(samples, column) for column in table.columns}
    return RowSummary(
        row=row,
        measured={column: mean_interval(list(values[column].values())) for column in table.columns},
        differences={
            column: paired_difference(values[column], _column(baseline, column)) for column in table.columns
        },
        against=against,
        done=sum(sample.state == "done" for sample in samples.values()),
        diverged=tuple(sample for sample in samples.values() if sample.state == "diverged"),
        unfinished=tuple(sample for sample in runs if not sample.is_finished),
        doubled=tuple(run.path for run in runs if run.is_finished and samples[run.seed] is not run),
    )


def _by_seed(samples: list[Sample]) -> dict[int, Sample]:
    """The finished run of each seed, the first where there are several."""
    found: dict[int, Sample] = {}
    for sample in samples:
        if sample.is_finished:
            found.setdefault(sample.seed, sample)
    return dict(sorted(found.items()))


def _column(samples: Mapping[int, Sample], column: str) -> dict[int, float]:
    return {seed: sample.metrics[column] for seed, sample in samples.items() if column in sample.metrics}
