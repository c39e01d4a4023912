"""One table under one condition in numbers: means, paired differences, what diverged, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mode

from analysis.stats import Interval, holm, mean_interval, paired_difference, paired_t_test
from analysis.tables.condition import Condition
from analysis.tables.matching import Filling, Sample
from gfl_bench.results.metrics import METRICS
from gfl_bench.sweep.table import Row, Table


@dataclass(frozen=True)
class RowSummary:
    """A row's numbers.

    Attributes:
        measured: by column; None where nothing was measured.
        differences: by column, to the row that it is compared with; None for that row itself.
        p_values: of the differences, each as if it were the only one.
        timed: by column, what sessions in turns tell of the configuration; it has no seeds.
        against: label of that row.
        samples: finished runs by seed, one each, those that diverged among them.
        unfinished: runs that failed, were stopped, or are under way.
        doubled: paths of runs left out because their seed stands already.
    """

    row: Row
    measured: Mapping[str, Interval | None]
    differences: Mapping[str, Interval | None]
    p_values: Mapping[str, float | None]
    timed: Mapping[str, float]
    against: str
    samples: tuple[Sample, ...]
    unfinished: tuple[Sample, ...]
    doubled: tuple[str, ...]

    @property
    def done(self) -> int:
        """Finished seeds, those that diverged not counted."""
        return len(self.samples) - len(self.diverged)

    @property
    def diverged(self) -> tuple[Sample, ...]:
        return tuple(sample for sample in self.samples if sample.state == "diverged")

    @property
    def is_empty(self) -> bool:
        """Whether no run of it was finished."""
        return not self.samples


@dataclass(frozen=True)
class TableSummary:
    """A table's rows under one condition.

    Attributes:
        hardware: that runs' own times are of.
        left_out: other hardware, whose times do not count in some row.
        timed_on: the machine of sessions in turns, by the columns that they tell.
    """

    table: Table
    condition: Condition
    rows: tuple[RowSummary, ...]
    hardware: tuple[str, ...]
    left_out: tuple[str, ...]
    timed_on: Mapping[str, str]

    def is_comparable(self, column: str) -> bool:
        """Whether the rows' numbers may be held against each other; times of different machines may not."""
        return len(self.hardware) <= 1 or not METRICS[column].of_machine or column in self.timed_on

    def corrected(self) -> dict[str, list[float | None]]:
        """Holm's p-values of the differences, by column one a row; the family is all that the table prints."""
        compared = [column for column in self.table.compare if self.is_comparable(column)]
        values = {column: [row.p_values[column] for row in self.rows] for column in compared}
        family = [value for column in compared for value in values[column] if value is not None]
        adjusted = iter(holm(family))
        found = {column: [None if one is None else next(adjusted) for one in ones] for column, ones in values.items()}
        return {column: found.get(column, [None] * len(self.rows)) for column in self.table.columns}


def summarise(table: Table, filling: Filling) -> TableSummary:
    """The numbers of ``table`` from the runs of ``filling``."""
    samples = {row.name: by_seed(filling.samples.get(row.name, [])) for row in table.rows}
    labels = {row.name: row.label for row in table.rows}
    rows = []
    for row in table.rows:
        against = table.group(row)
        rows.append(_row(table, row, filling, samples, against, labels[against]))
    counted = {name: _of_one_machine(found) for name, found in samples.items()}
    others = (
        {seed: sample for seed, sample in found.items() if seed not in counted[name]} for name, found in samples.items()
    )
    machines = (_machines(counted.values()), _machines(others))
    return TableSummary(table, filling.condition, tuple(rows), *machines, filling.timed_on)


def _row(
    table: Table, row: Row, filling: Filling, by_row: Mapping[str, Mapping[int, Sample]], baseline: str, against: str
) -> RowSummary:
    samples, timed = by_row[row.name], filling.timed.get(row.name, {})
    other, other_timed = ({}, {}) if baseline == row.name else (by_row[baseline], filling.timed.get(baseline, {}))
    pairs = {name: (_column(samples, timed, name), _column(other, other_timed, name)) for name in table.columns}
    runs = filling.samples.get(row.name, [])
    return RowSummary(
        row=row,
        measured={column: mean_interval(list(values.values())) for column, (values, _) in pairs.items()},
        differences={column: paired_difference(*pair) for column, pair in pairs.items()},
        p_values={column: paired_t_test(*pair) for column, pair in pairs.items()},
        timed=timed,
        against=against,
        samples=tuple(samples.values()),
        unfinished=tuple(run for run in runs if not run.is_finished),
        doubled=tuple(run.path for run in runs if run.is_finished and samples[run.seed] is not run),
    )


def by_seed(samples: list[Sample]) -> dict[int, Sample]:
    """The finished run of each seed, the first where there are several."""
    found: dict[int, Sample] = {}
    for sample in samples:
        if sample.is_finished:
            found.setdefault(sample.seed, sample)
    return dict(sorted(found.items()))


def _column(samples: Mapping[int, Sample], timed: Mapping[str, float], column: str) -> dict[int, float]:
    """By seed; of a session in turns one value."""
    if column in timed:
        return {0: timed[column]}
    counted = _of_one_machine(samples) if METRICS[column].of_machine else samples
    return {seed: sample.metrics[column] for seed, sample in counted.items() if column in sample.metrics}


def _of_one_machine(samples: Mapping[int, Sample]) -> dict[int, Sample]:
    """The done runs on the machine of most of them: a mean of times on several is the time of none."""
    done = {seed: sample for seed, sample in samples.items() if sample.metrics}
    machine = mode(sample.hardware for sample in done.values()) if done else None
    return {seed: sample for seed, sample in done.items() if sample.hardware == machine}


def _machines(rows: Iterable[Mapping[int, Sample]]) -> tuple[str, ...]:
    named = {sample.hardware for found in rows for sample in found.values() if sample.metrics}
    return tuple(sorted(name for name in named if name))
