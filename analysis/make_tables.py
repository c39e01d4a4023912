"""Write every table of ``sweeps/`` from the records of runs: ``python analysis/make_tables.py``.

Markdown, LaTeX and CSV for each table, scale and condition, and one page, ``index.html``, with all of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.cells import CellError, ComposedCells
from analysis.condition import Condition
from analysis.latex import latex
from analysis.matching import Filling, fill
from analysis.page import page
from analysis.plain_text import markdown, terminal
from analysis.sheet import Sheet, write_sheet
from analysis.spreadsheet import spreadsheet
from analysis.summary import TableSummary, summarise
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.store import Runs, load_runs
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Table
from gfl_bench.sweep.validity import SweepError

DEFAULT_SCALE = "demo"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with one sentence where a table file or the output folder cannot be used."""
    options = _parse(arguments)
    try:
        tables = load_tables(sweeps_folder())
        _check_names(options.print, tables)
        sheets = make_tables(tables, options.runs, options.out)
    except (SweepError, CellError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"the tables cannot be written to {options.out} ({error.strerror}): choose another folder with --out")
    wanted = [sheet for sheet in sheets if options.print is not None and sheet.table.name in (options.print or tables)]
    print("\n".join([*map(terminal, wanted), f"{len(sheets)} tables: {options.out / 'index.html'}"]))


def make_tables(tables: dict[str, Table], folder: Path, out: Path) -> list[Sheet]:
    """Write all tables from the runs in ``folder`` to ``out``; returns what was written, in the page's order."""
    out.mkdir(parents=True, exist_ok=True)
    runs = load_runs(folder)
    cells = ComposedCells()
    summaries = [summary for table in tables.values() for summary in _summaries(table, runs, cells)]
    written = [(each, write_sheet(each, cells.config(each.condition.scale), str(folder))) for each in summaries]
    for summary, sheet in written:
        _write(out, sheet.name, {".md": markdown(sheet), ".tex": latex(sheet), ".csv": spreadsheet(summary, sheet)})
    sheets = [sheet for _, sheet in written]
    counts = {str(state): int(count) for state, count in runs.frame["state"].value_counts().items()}
    skipped = [f"{path} {reason}." for path, reason in runs.skipped] + cells.failures
    for sentence in skipped:
        print(f"skipped: {sentence}", file=sys.stderr)
    _write(out, "index", {".html": page(sheets, str(folder), counts, skipped)})
    return sheets


def _summaries(table: Table, runs: Runs, cells: ComposedCells) -> list[TableSummary]:
    """One for each condition; an empty one at the default scale where there are no runs."""
    fillings = fill(table, runs, cells) or [Filling(Condition(DEFAULT_SCALE))]
    return [summarise(table, filling) for filling in fillings]


def _write(out: Path, name: str, texts: dict[str, str]) -> None:
    for suffix, text in texts.items():
        (out / f"{name}{suffix}").write_text(text, encoding="utf-8")


def _check_names(names: list[str] | None, tables: dict[str, Table]) -> None:
    unknown = sorted(set(names or []) - set(tables))
    if unknown:
        raise SweepError(f"there is no {', '.join(unknown)}; there are {', '.join(tables)}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make_tables.py", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the records (runs)")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder for the tables (report)")
    parser.add_argument("--print", nargs="*", metavar="TABLE", help="show these tables, such as table11, or all")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
