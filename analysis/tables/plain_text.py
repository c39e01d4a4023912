"""A sheet as Markdown and as lines for a terminal."""

from __future__ import annotations

from tabulate import tabulate

from analysis.tables.legend import Style, legend
from analysis.tables.sheet import Entry, Line, Sheet

MARKDOWN = Style("Bold", "†", r"\*")
TERMINAL = Style("Between asterisks", "†", "*")


def markdown(sheet: Sheet) -> str:
    """The sheet as GitHub shows it."""
    caption = f"{sheet.caption} {legend(sheet, MARKDOWN)}".rstrip()
    parts = [f"**{sheet.heading}**", caption, _grid(sheet, "pipe", "`{}`", " <sup>{}</sup>")]
    notes = [f"{number}. {note}" for number, note in enumerate(sheet.notes, 1)]
    parts += ["\n".join(notes)] if notes else []
    parts += [f"{sheet.aim}: `{sheet.command}`"] if sheet.command else []
    return "\n\n".join(parts) + "\n"


def terminal(sheet: Sheet) -> str:
    """The sheet in a fixed-width font."""
    notes = [f"  [{number}] {note}" for number, note in enumerate(sheet.notes, 1)]
    head = [sheet.heading, sheet.caption, *filter(None, [legend(sheet, TERMINAL)]), ""]
    fill = [f"  {sheet.aim.lower()}: {sheet.command}"] if sheet.command else []
    return "\n".join([*head, _grid(sheet, "simple", "{}", " [{}]"), *notes, *fill]) + "\n"


def _grid(sheet: Sheet, style: str, code: str, mark: str) -> str:
    heads = ["", *sheet.table.columns, *(["n"] if sheet.is_measured else []), *sheet.difference_heads]
    if sheet.has_empty_lines:
        heads.append("to fill it")
    rows = [_cells(line, sheet, code, mark) for line in sheet.lines]
    if style == "pipe":
        rows = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    alignment = ["left", *[sheet.alignment] * (len(heads) - 1)]
    if sheet.has_empty_lines:
        alignment[-1] = "left"
    return tabulate(rows, heads, tablefmt=style, colalign=alignment, disable_numparse=True)


def _cells(line: Line, sheet: Sheet, code: str, mark: str) -> list[str]:
    label = line.label + (mark.format(line.marks) if line.marks else "")
    seeds = [line.seeds] if sheet.is_measured else []
    differences = [f"{text}*" if clear else text for text, clear in zip(line.differences, line.clear, strict=True)]
    fill = [code.format(line.command) if line.command else ""] if sheet.has_empty_lines else []
    return [label, *map(_entry, line.entries), *seeds, *differences, *fill]


def _entry(entry: Entry) -> str:
    measured = f"**{entry.words}**" if entry.is_best else entry.words
    before, after = entry.brackets
    paper = f" {before}{entry.paper}{'†' if entry.is_paper_best else ''}{after}" if entry.paper else ""
    return measured + paper
