"""A summary as CSV: every number in full, one line a row."""

from __future__ import annotations

import csv
import io
from typing import Any

from analysis.sheet import Sheet
from analysis.stats import Interval
from analysis.summary import RowSummary, TableSummary


def spreadsheet(summary: TableSummary, sheet: Sheet) -> str:
    """For each column its mean, half-width, the paper's value, and the paired difference with its half-width."""
    condition = summary.condition
    lines = [
        {
            "table": summary.table.name, "row": row.row.name, "label": row.row.label, "scale": condition.scale,
            "condition": condition.describe(), "n": row.done, "diverged": len(row.diverged), **_numbers(summary, row),
            "against": row.against, "command": line.command,
        }
        for row, line in zip(summary.rows, sheet.lines, strict=True)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _numbers(summary: TableSummary, row: RowSummary) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for column, paper in zip(summary.table.columns, row.row.paper, strict=True):
        numbers |= _interval(column, row.measured[column])
        numbers[f"{column}_paper"] = paper
        numbers |= _interval(f"{column}_difference", row.differences[column])
    return numbers


def _interval(name: str, interval: Interval | None) -> dict[str, Any]:
    mean, width = (interval.mean, interval.half_width) if interval else (None, None)
    return {name: mean, f"{name}_half_width": width}
