"""A summary as CSV: every number in full, one line a row."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from analysis.stats import Interval
from analysis.tables.sheet import Sheet
from analysis.tables.summary import RowSummary, TableSummary
from analysis.tables.timings import TimedTable
from gfl_bench.results.samples import Ratio


def spreadsheet(summary: TableSummary, sheet: Sheet) -> str:
    """A line for each row.

    For each column its mean, half-width and the paper's value; the paired difference with its half-width, its p-value,
    and its p-value after Holm's correction over the table, where it is printed.
    """
    condition = summary.condition
    corrected = summary.corrected()
    return _text([
        {
            "table": summary.table.name, "row": row.row.name, "label": row.row.label, "scale": condition.scale,
            "condition": condition.describe(), "n": row.done, "diverged": len(row.diverged),
            **_numbers(summary, row, {column: values[index] for column, values in corrected.items()}),
            "against": row.against, "needs": row.row.needs, "command": line.command,
        }
        for index, (row, line) in enumerate(zip(summary.rows, sheet.lines, strict=True))
    ])


def word_spreadsheet(sheet: Sheet) -> str:
    """A line for each row of a sheet of words."""
    words = ([entry.measured for entry in line.entries] for line in sheet.lines)
    columns = sheet.table.columns
    return _text([
        {"row": line.label, **dict(zip(columns, row, strict=True))}
        for line, row in zip(sheet.lines, words, strict=True)
    ])


def speed_spreadsheet(timed: TimedTable) -> str:
    """A line for each row and stage: milliseconds and images a second, the ratio with its interval, and the paper's."""
    condition, labels = timed.comparison.condition, {row.name: row.label for row in timed.table.rows}
    return _text([
        {
            "table": timed.table.name, "row": row.name, "label": row.label, "scale": condition.scale,
            "condition": ", ".join(condition.overrides), "protocol": condition.protocol,
            "hardware": condition.hardware, "machine": timed.comparison.machine, "stage": stage,
            **asdict(timing.speed), **_ratio(timing.ratio), "ratio_paper": timing.paper,
            "against": labels[timed.table.group(row)],
        }
        for row in timed.rows for stage, timing in timed.timings[row.name].items()
    ])  # fmt: skip


def _ratio(ratio: Ratio | None) -> dict[str, Any]:
    names = {"ratio": "value", "ratio_low": "low", "ratio_high": "high", "rounds": "rounds"}
    return {name: getattr(ratio, field, None) for name, field in names.items()}


def _text(lines: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _numbers(summary: TableSummary, row: RowSummary, corrected: dict[str, float | None]) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for column, paper in zip(summary.table.columns, row.row.paper, strict=True):
        numbers |= _interval(column, row.measured[column])
        numbers[f"{column}_paper"] = paper
        if summary.table.earlier is not None:
            numbers[f"{column}_paper_source"] = _source(summary, row, column) if paper is not None else ""
        numbers |= _interval(f"{column}_difference", row.differences[column])
        numbers |= {f"{column}_p": row.p_values[column], f"{column}_p_holm": corrected[column]}
    return numbers


def _source(summary: TableSummary, row: RowSummary, column: str) -> str:
    table = summary.table
    is_earlier = table.earlier is not None and table.is_earlier(row.row, column)
    return table.earlier.source if table.earlier is not None and is_earlier else table.source


def _interval(name: str, interval: Interval | None) -> dict[str, Any]:
    mean, width = (interval.mean, interval.half_width) if interval else (None, None)
    return {name: mean, f"{name}_half_width": width}
