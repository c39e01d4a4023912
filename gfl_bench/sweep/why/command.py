"""``why``: all that is known of one cell's runs, and how to run them again.

    python -m gfl_bench.sweep why table05.beta1 --seed 0 --scale demo --runs runs
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence

from gfl_bench.config.paths import expand, sweeps_folder
from gfl_bench.results.reading import Unreadable
from gfl_bench.results.status import read_status
from gfl_bench.sweep.arguments import SCALE, add_runs, overrides
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.extra import read_extra
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.screen import console, print_refused
from gfl_bench.sweep.selection import Planned, SelectionError, plan_runs
from gfl_bench.sweep.status.queued import read_queue
from gfl_bench.sweep.status.watch import TROUBLE, Watched, watch
from gfl_bench.sweep.table import Row, Table
from gfl_bench.sweep.why.origins import origins
from gfl_bench.sweep.why.repetitions import repetitions, result_of

SAID = 8  # lines of what went wrong


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``why``."""
    text = "one cell: command, difference to its baseline, seeds, curves, what went wrong"
    parser = commands.add_parser("why", help=text, description=text)
    parser.add_argument("cell", metavar="CELL", help="such as table05.beta2")
    parser.add_argument("what", nargs="*", metavar="OVERRIDE", help="that its runs were given, such as schedule=2x")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--scale", default=SCALE, help=f"smoke, demo, proxy or paper ({SCALE})")
    add_runs(parser)
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Print what is known; 1 where the cell does not validate."""
    table, row = _row(options.cell)
    if len(overrides(options)) < len(options.what):
        raise SelectionError(f"{' '.join(options.what)}: one cell at a time, and overrides such as schedule=2x")
    seeds = None if options.seed is None else [options.seed]
    selection = plan_runs([options.cell], options.scale, seeds, options.what, options.runs)
    if selection.refused:
        return print_refused(selection.refused)
    screen, watched = console(), watch(selection.runs, read_queue(expand(str(options.runs))))
    screen.print(f"{options.cell} at scale {options.scale}: {table.title}, {row.label}", style="bold")
    for name, words in _facts(table, row, selection.runs, options):
        screen.print(f"{name:<10}{words}", soft_wrap=True)  # a command must stay one line to be copied
    screen.print("", repetitions(table, watched), "", sep="\n")
    for line in (line for one in watched for line in _trouble(one)):
        screen.print(line, soft_wrap=True)
    return 0


def _row(cell: str) -> tuple[Table, Row]:
    """The table and the row of a cell.

    Raises:
        SelectionError: there is none, or gfl_bench cannot run it.
    """
    tables = load_tables(sweeps_folder())
    table = tables.get(cell.partition(".")[0])
    rows = {} if table is None else {table.cell(row).name: row for row in table.rows}
    if table is None or cell not in rows:
        raise SelectionError(f"there is no cell {cell}; there is {', '.join(rows or tables)}")
    if rows[cell].needs:
        raise SelectionError(f"{cell} cannot be run yet: it needs {rows[cell].needs}")
    return table, rows[cell]


def _facts(
    table: Table, row: Row, runs: Sequence[Planned], options: argparse.Namespace
) -> Iterator[tuple[str, str]]:
    yield "folder", str(runs[0].folder.parent)
    yield "command", command(runs[0])
    yield "differs", f"\n{'':<10}".join(_differences(table, row, options))
    yield from origins([found for one in runs if (found := result_of(one)) is not None])


def command(run: Planned) -> str:
    """What starts the run, or continues it."""
    return shlex.join(["python", "-m", "gfl_bench.run", *run.overrides])


def _differences(table: Table, row: Row, options: argparse.Namespace) -> Iterator[str]:
    from gfl_bench.sweep.changes import changes  # pandas, which takes longer than a plan

    baseline = next(other for other in table.rows if other.name == table.group(row))
    if baseline is row:
        yield "not: it is the row that its table compares with"
        return
    if baseline.needs:
        yield f"from {baseline.name}, which cannot be run yet"
        return
    cells = ComposedCells(read_extra(options.what))
    ours, theirs = (cells.config(options.scale, table.cell(one)) for one in (row, baseline))
    yield f"from {table.cell(baseline).name} in"
    for change in changes(ours, theirs):
        yield f"{change.option} {change.before or 'absent'} -> {change.after or 'absent'}"


def _trouble(one: Watched) -> Iterator[str]:
    """What went wrong with a run, and how to start it again."""
    status = read_status(one.run.folder / "status.json")
    message = "" if isinstance(status, Unreadable) else status.message
    if one.state == "diverged":
        yield f"seed {one.run.seed} diverged: {message}"
    elif one.state in (*TROUBLE, "preempted"):
        yield f"seed {one.run.seed} {one.state}: {one.words}"
        yield from (f"  {line}" for line in message.strip().splitlines()[1:SAID])
        if one.log is not None:
            yield f"  its job printed {one.log}"
        yield f"  again: {command(one.run)}"
