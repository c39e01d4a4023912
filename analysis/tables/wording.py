"""What was measured of a table, and the paper's numbers, as its sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.tables.caption import caption, heading, setting
from analysis.tables.condition import Condition, command
from analysis.tables.digits import NOTHING, difference_text, interval_text, paper_text
from analysis.tables.marks import Marks, marks_of
from analysis.tables.missing import unmeasured
from analysis.tables.sheet import Entry, Line, Sheet
from analysis.tables.summary import RowSummary, TableSummary
from gfl_bench.sweep.table import Table

UNFINISHED = {"running": "is under way", "preempted": "was stopped", "failed": "failed"}


def write_sheet(summary: TableSummary, scale: Mapping[str, Any], runs: str) -> Sheet:
    """The sheet of ``summary``; ``scale`` is the scale's own config, ``runs`` the folder of the records."""
    table, condition = summary.table, summary.condition
    notes: list[str] = []
    marks = marks_of(summary)
    lines = [_line(table, row, marks, condition, runs, notes) for row in summary.rows]
    return Sheet(
        name=f"{table.name}.{condition.slug}",
        table=table,
        heading=heading(table),
        setting=setting(table, condition, scale),
        caption=caption(summary, scale),
        lines=lines,
        command=command([f"sweep={table.name}"], condition, runs) if table.cells else "",
        notes=[*notes, *table.notes, *_gaps(summary)],
    )


def _gaps(summary: TableSummary) -> list[str]:
    """Which columns finished runs do not fill; the commands would be too many here."""
    lacking = {
        column for row in summary.rows for sample in row.samples
        for columns in unmeasured(summary, row, sample).values() for column in columns
    }  # fmt: skip
    names = [column for column in summary.table.columns if column in lacking]
    return [f"Finished runs lack {', '.join(names)}: missing.json has the command for each."] if names else []


def _line(
    table: Table, summary: RowSummary, marks: Marks, condition: Condition, runs: str, notes: list[str]
) -> Line:
    row = summary.row
    found = _notes_of(summary)
    notes.extend(note for note in found if note not in notes)  # rows may share one
    seeds = ",".join(map(str, range(table.seeds)))
    missing = summary.is_empty and not row.needs
    return Line(
        label=row.label,
        entries=tuple(_entry(table, summary, marks, index) for index in range(len(table.columns))),
        seeds=f"{summary.done} of {len(summary.samples)}" if summary.diverged else str(summary.done),
        differences=tuple(difference_text(summary.differences[name], table.digits(name)) for name in table.compare),
        clear=tuple((row.name, name) in marks.significant for name in table.compare),
        command=command([f"cell={table.cell(row).name}"], condition, runs, seeds) if missing else "",
        marks=",".join(str(notes.index(note) + 1) for note in found),
    )


def _entry(table: Table, summary: RowSummary, marks: Marks, index: int) -> Entry:
    row, column = summary.row, table.columns[index]
    return Entry(
        measured=_measured(summary, column, table.digits(column)),
        paper=paper_text(row.paper[index], table.digits(column)),
        is_best=(row.name, column) in marks.best,
        is_paper_best=(row.name, column) in marks.paper_best,
        is_earlier=table.is_earlier(row, column) and row.paper[index] is not None,
    )


def _notes_of(summary: RowSummary) -> list[str]:
    row = summary.row
    found = [row.note] if row.note else []
    if row.needs:
        found.append(f"Not measured: {row.needs} arrives later.")
    if summary.diverged:
        where = ", ".join(f"seed {run.seed} {run.divergence}" for run in summary.diverged)
        found.append(f"{row.label}: diverged (NaN), {where}.")
    for run in summary.unfinished:
        reason = f": {run.message}" if run.message else ""
        found.append(f"{row.label}: seed {run.seed} {UNFINISHED.get(run.state, run.state)}{reason}.")
    return found + [f"{row.label}: {path} repeats a seed and is left out." for path in summary.doubled]


def _measured(summary: RowSummary, column: str, digits: int) -> str:
    interval = summary.measured[column]
    if interval is None:
        return "NaN" if summary.diverged and not summary.done else NOTHING
    return interval_text(interval, digits)
