"""Which numbers of a table stand out: the best of a column, and differences that chance does not explain.

Rows are compared within their group, those whose differences are taken to the same row: a table of five detectors, each
with and without GFocal, has five winners.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from analysis.stats import LEVEL, Interval
from analysis.tables.summary import RowSummary, TableSummary
from gfl_bench.results.metrics import METRICS, Metric

Place = tuple[str, str]  # names of a row and a column


@dataclass(frozen=True)
class Marks:
    """What stands out in a table.

    Attributes:
        best: measured, with an interval that overlaps no other row's; nothing where the seeds do not tell.
        paper_best: of the paper's values, all that share the first place; nothing where all are equal.
        significant: differences whose p-value is below 0.05 after Holm's correction within the table.
    """

    best: frozenset[Place]
    paper_best: frozenset[Place]
    significant: frozenset[Place]


def marks_of(summary: TableSummary) -> Marks:
    """The marks of a table under one condition."""
    return Marks(*map(frozenset, (_best(summary), _paper_best(summary), _significant(summary))))


def best_measured(measured: Mapping[str, Interval | None], metric: Metric) -> list[str]:
    """The row whose whole interval is better than every other's; none where one has a single seed."""
    intervals = {name: interval for name, interval in measured.items() if interval is not None}
    widths = {name: interval.half_width for name, interval in intervals.items() if interval.half_width is not None}
    if len(intervals) < 2 or len(widths) < len(intervals):
        return []
    means = {name: metric.sign * interval.mean for name, interval in intervals.items()}
    first = max(means, key=lambda name: means[name] - widths[name])
    others = (means[name] + widths[name] for name in means if name != first)
    return [first] if means[first] - widths[first] > max(others) else []


def best_printed(paper: Mapping[str, float | None], metric: Metric) -> list[str]:
    """The rows of the best printed value, unless all are equal."""
    values = {name: metric.sign * v for name, v in paper.items() if v is not None and not math.isnan(v)}
    if len(set(values.values())) < 2:
        return []
    return [name for name, value in values.items() if value == max(values.values())]


def _best(summary: TableSummary) -> Iterator[Place]:
    for rows in _groups(summary):
        for column in filter(summary.is_comparable, summary.table.columns):
            measured = {row.row.name: row.measured[column] for row in rows}
            yield from ((name, column) for name in best_measured(measured, METRICS[column]))


def _paper_best(summary: TableSummary) -> Iterator[Place]:
    for rows in _groups(summary):
        for index, column in enumerate(summary.table.columns):
            paper = {row.row.name: row.row.paper[index] for row in rows}
            yield from ((name, column) for name in best_printed(paper, METRICS[column]))


def _significant(summary: TableSummary) -> Iterator[Place]:
    for column, p_values in summary.corrected().items():
        for row, p_value in zip(summary.rows, p_values, strict=True):
            if p_value is not None and p_value < 1 - LEVEL:
                yield row.row.name, column


def _groups(summary: TableSummary) -> list[list[RowSummary]]:
    groups: dict[str, list[RowSummary]] = {}
    for row in summary.rows:
        groups.setdefault(summary.table.group(row.row), []).append(row)
    return list(groups.values())
