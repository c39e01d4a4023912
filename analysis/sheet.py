"""A table as text, before it is Markdown, LaTeX, HTML or a terminal's lines."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis.condition import Condition, command
from analysis.stats import Interval
from analysis.summary import RowSummary, TableSummary
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.store import flatten
from gfl_bench.sweep.table import Table

UNFINISHED = {"running": "is under way", "preempted": "was stopped", "failed": "failed"}
READING = "Measured: mean ± 95 % half-width over n seeds; in brackets the paper's value."
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Entry:
    """One cell: what was measured, what the paper prints."""

    measured: str
    paper: str


@dataclass(frozen=True)
class Line:
    """One row.

    Attributes:
        seeds: how many the means are of; "1 of 3" where the others diverged.
        differences: to the row's baseline, for the columns that the table compares.
        clear: whether the interval of each difference excludes zero.
        command: what fills the row where it is empty.
        marks: numbers of its notes.
    """

    label: str
    entries: tuple[Entry, ...]
    seeds: str
    differences: tuple[str, ...]
    clear: tuple[bool, ...]
    command: str = ""
    marks: str = ""


@dataclass
class Sheet:
    """A table under one condition, in words and digits.

    Attributes:
        name: of its files.
        setting: scale and data, which tell the sheets of one table apart.
        command: what fills the whole table.
    """

    name: str
    table: Table
    heading: str
    setting: str
    caption: str
    lines: list[Line]
    command: str
    notes: list[str] = field(default_factory=list)

    @property
    def difference_heads(self) -> list[str]:
        """Headings of the difference columns."""
        return [f"Δ{name}" for name in self.table.compare]

    @property
    def has_empty_lines(self) -> bool:
        return any(line.command for line in self.lines)


def write_sheet(summary: TableSummary, scale: Mapping[str, Any], runs: str) -> Sheet:
    """The sheet of ``summary``; ``scale`` is the scale's own config, ``runs`` the folder of the records."""
    table, condition = summary.table, summary.condition
    notes: list[str] = []
    lines = [_line(table, row, condition, runs, notes) for row in summary.rows]
    return Sheet(
        name=f"{table.name}.{condition.slug}",
        table=table,
        heading=heading(table),
        setting=_setting(condition, scale),
        caption=_caption(summary, scale),
        lines=lines,
        command=command([f"sweep={table.name}"], condition, runs),
        notes=[*notes, *table.notes],
    )


def heading(table: Table) -> str:
    """``Table 5. Focusing power of QFL``."""
    number = re.fullmatch(r"table0*(\d+)", table.name)
    return f"Table {number[1]}. {table.title}" if number else table.title


def _setting(condition: Condition, scale: Mapping[str, Any]) -> str:
    changes = {name: json.loads(text) for name, text in condition.changes}
    data = changes.get("data.name", scale["data"]["name"])
    others = any(not name.startswith("data.") for name in changes)
    return f"Scale {condition.scale}, data {data}{', options changed' if others else ''}"


def _caption(summary: TableSummary, scale: Mapping[str, Any]) -> str:
    condition = summary.condition
    changed = f"Unlike the scale's own config: {condition.describe()}." if condition.changes else ""
    baselines = " or ".join(dict.fromkeys(f'"{row.against}"' for row in summary.rows if not row.row.needs))
    sentences = [
        f"{_setting(condition, scale)}, {_length(condition, scale)}.", scale["scale"].get("caption", ""), changed,
        f"Δ: difference to {baselines}, paired by seed.", *_speed(summary), f"Source: {summary.table.source}.",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _length(condition: Condition, scale: Mapping[str, Any]) -> str:
    """How long each row is trained; a row's own schedule may differ where the table's rows set one."""
    values = flatten(scale) | {name: json.loads(text) for name, text in condition.changes}
    epochs, steps, batch = (
        values[name] for name in ("schedule.epochs", "scale.steps_per_epoch", "schedule.batch_size")
    )
    return f"{epochs} epochs" if steps is None else f"{epochs * steps:,} steps of {batch} images"


def _speed(summary: TableSummary) -> list[str]:
    """Where FPS was measured, since it means nothing elsewhere."""
    if not any(row.measured.get("FPS") for row in summary.rows):
        return []
    warning = ["Speeds on different machines cannot be compared."] if len(summary.hardware) > 1 else []
    return [f"FPS measured on {' and on '.join(summary.hardware)}.", *warning]


def _line(table: Table, summary: RowSummary, condition: Condition, runs: str, notes: list[str]) -> Line:
    row = summary.row
    papers = dict(zip(table.columns, row.paper, strict=True))
    found = _notes_of(summary)
    notes.extend(note for note in found if note not in notes)  # rows may share one
    seeds = ",".join(map(str, range(table.seeds)))
    missing = summary.is_empty and not row.needs
    return Line(
        label=row.label,
        entries=tuple(
            Entry(_measured(summary, column), _number(papers[column], column)) for column in table.columns
        ),
        seeds=f"{summary.done} of {summary.done + len(summary.diverged)}" if summary.diverged else str(summary.done),
        differences=tuple(_difference(summary.differences[column], column) for column in table.compare),
        clear=tuple(bool(found and found.excludes_zero) for found in map(summary.differences.get, table.compare)),
        command=command([f"cell={table.cell(row).name}"], condition, runs, seeds) if missing else "",
        marks=",".join(str(notes.index(note) + 1) for note in found),
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


def _measured(summary: RowSummary, column: str) -> str:
    interval = summary.measured[column]
    if interval is None:
        return "NaN" if summary.diverged and not summary.done else NOTHING
    return _interval(interval, column)


def _interval(interval: Interval, column: str) -> str:
    digits = METRICS[column].decimals
    width = "" if interval.half_width is None else f" ± {interval.half_width:.{digits}f}"
    return f"{interval.mean:.{digits}f}{width}"


def _difference(interval: Interval | None, column: str) -> str:
    if interval is None:
        return ""
    text = _interval(interval, column)
    return text.replace("-", "\N{MINUS SIGN}", 1) if interval.mean < 0 else f"+{text}"


def _number(value: float | None, column: str) -> str:
    if value is None:
        return ""
    return "NaN" if math.isnan(value) else f"{value:.{METRICS[column].decimals}f}"
