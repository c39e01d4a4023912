"""How to read a sheet: what its numbers are, and the marks that it uses."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.tables.sheet import READING, Sheet


@dataclass(frozen=True)
class Style:
    """What the marks look like in a format."""

    best: str
    paper_best: str
    significant: str


def legend(sheet: Sheet, style: Style) -> str:
    """The sentences below a caption; of the marks those that stand in the sheet."""
    if not sheet.is_measured:
        return ""
    entries = [entry for line in sheet.lines for entry in line.entries]
    marks = {
        f"{style.best}: the best, its interval apart from those of all it is compared with.":
            any(entry.is_best for entry in entries),
        f"{style.paper_best}: the paper's best.": any(entry.is_paper_best for entry in entries),
        f"{style.significant}: p < 0.05 after Holm's correction over the table.":
            any(flag for line in sheet.lines for flag in line.clear),
    }  # fmt: skip
    return " ".join([READING, *(sentence for sentence, stands in marks.items() if stands)])
