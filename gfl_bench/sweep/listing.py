"""``list``: the tables and their cells, and what is done of them.

    python -m gfl_bench.sweep list table05
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from rich.table import Table as Lines
from rich.text import Text

from gfl_bench.config.paths import sweeps_folder
from gfl_bench.sweep.arguments import add_selection, named, selected
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.screen import STYLES, columns, console, print_refused
from gfl_bench.sweep.selection import FINISHED, Planned, Selection, chosen_cells
from gfl_bench.sweep.table import Cell, Table


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``list``."""
    text = "tables and their cells, one a line, and what is done of them"
    parser = commands.add_parser("list", help=text, description=text)
    add_selection(parser)
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Print the list; 1 where a cell does not validate."""
    selection, screen = selected(options), console()
    for number, (table, cells) in enumerate(chosen_cells(named(options), load_tables(sweeps_folder()))):
        screen.print("\n" * bool(number) + f"{table.name}  {table.title} ({table.source})", style="bold")
        screen.print(_lines(table, cells, selection))
    return print_refused(selection.refused)


def _lines(table: Table, cells: Sequence[Cell], selection: Selection) -> Lines:
    """The rows among ``cells``, and those that gfl_bench cannot run yet."""
    lines, names = columns("cell", "what", "seeds done", whole=("cell",)), {cell.name for cell in cells}
    reasons = dict(selection.refused)
    for row in table.rows:
        name = table.cell(row).name
        if name in names:
            runs = [one for one in selection.runs if name in one.cells]
            lines.add_row(name, row.label, "refused" if name in reasons else _done(runs))
        elif row.needs and len(cells) == len(table.cells):
            lines.add_row(name, row.label, f"needs {row.needs}", style="dim")
    return lines


def _done(runs: Sequence[Planned]) -> Text:
    """``2 of 3``, and in which states the others are."""
    finished = [one for one in runs if one.state in FINISHED]
    states = Counter(one.state for one in runs if one.state not in (*FINISHED, "absent"))
    text = Text(f"{len(finished)} of {len(runs)}", style="green" if len(finished) == len(runs) else "")
    for state, count in states.items():
        text.append(f", {count} {state}", style=STYLES[state])
    return text
