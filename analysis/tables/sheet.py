"""A table as text, before it is Markdown, LaTeX, HTML or a terminal's lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from gfl_bench.sweep.table import Table

READING = "Measured: mean ± 95 % half-width over n seeds; in brackets the paper's value."


@dataclass(frozen=True)
class Entry:
    """One cell: what was measured, what the paper prints.

    Attributes:
        is_best: of its column and group, beyond the intervals.
        is_paper_best: the paper's value is the best of its column and group.
        is_earlier: the value is that of the paper's earlier version.
        interval: of what was measured, where it is not symmetric.
    """

    measured: str
    paper: str
    is_best: bool = False
    is_paper_best: bool = False
    is_earlier: bool = False
    interval: str = ""

    @property
    def words(self) -> str:
        """What was measured, with its interval."""
        return f"{self.measured}, {self.interval}" if self.interval else self.measured

    @property
    def brackets(self) -> tuple[str, str]:
        """What stands around the paper's value."""
        return ("[", "]") if self.is_earlier else ("(", ")")


@dataclass(frozen=True)
class Line:
    """One row.

    Attributes:
        seeds: how many the means are of; "1 of 3" where the others diverged.
        differences: to the row's baseline, for the columns that the table compares.
        clear: whether each difference is significant after Holm's correction within the table.
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
        command: what fills the whole table; empty where no row of it can be run.
        is_measured: whether its entries are means over seeds.
        is_timed: whether they are times of sessions; they are words where they are neither.
    """

    name: str
    table: Table
    heading: str
    setting: str
    caption: str
    lines: list[Line]
    command: str
    notes: list[str] = field(default_factory=list)
    is_measured: bool = True
    is_timed: bool = False

    @property
    def aim(self) -> str:
        """What the command is for."""
        return "Time it once more" if self.is_timed else "Fill this table"

    @property
    def alignment(self) -> Literal["left", "right"]:
        """Of its entries."""
        return "right" if self.is_measured or self.is_timed else "left"

    @property
    def difference_heads(self) -> list[str]:
        """Headings of the difference columns."""
        return [f"Δ{name}" for name in self.table.compare]

    @property
    def has_empty_lines(self) -> bool:
        return any(line.command for line in self.lines)
