"""A sheet as Markdown and as lines for a terminal."""

from __future__ import annotations

from tabulate import tabulate

from analysis.sheet import READING, Line, Sheet


def markdown(sheet: Sheet) -> str:
    """The sheet as GitHub shows it."""
    parts = [f"**{sheet.heading}**", f"{sheet.caption} {READING}", _grid(sheet, "pipe", "`{}`", " <sup>{}</sup>")]
    notes = [f"{number}. {note}" for number, note in enumerate(sheet.notes, 1)]
    parts += ["\n".join(notes)] if notes else []
    return "\n\n".join([*parts, f"Fill this table: `{sheet.command}`"]) + "\n"


def terminal(sheet: Sheet) -> str:
    """The sheet in a fixed-width font."""
    notes = [f"  [{number}] {note}" for number, note in enumerate(sheet.notes, 1)]
    body = [sheet.heading, sheet.caption, READING, "", _grid(sheet, "simple", "{}", " [{}]"), *notes]
    return "\n".join([*body, f"  fill this table: {sheet.command}"]) + "\n"


def _grid(sheet: Sheet, style: str, code: str, mark: str) -> str:
    heads = ["", *sheet.table.columns, "n", *sheet.difference_heads]
    if sheet.has_empty_lines:
        heads.append("to fill it")
    rows = [_cells(line, sheet, code, mark) for line in sheet.lines]
    alignment = ["left"] + ["right"] * (len(heads) - 1)
    if sheet.has_empty_lines:
        alignment[-1] = "left"
    return tabulate(rows, heads, tablefmt=style, colalign=alignment, disable_numparse=True)


def _cells(line: Line, sheet: Sheet, code: str, mark: str) -> list[str]:
    label = line.label + (mark.format(line.marks) if line.marks else "")
    entries = [f"{entry.measured} ({entry.paper})" if entry.paper else entry.measured for entry in line.entries]
    fill = [code.format(line.command) if line.command else ""] if sheet.has_empty_lines else []
    return [label, *entries, line.seeds, *line.differences, *fill]
