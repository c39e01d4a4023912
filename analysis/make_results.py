"""Results to commit: ``python analysis/make_results.py --runs runs --out results table05 table11``.

Compact records of the runs behind the named tables and the studies, of these tables' speed sessions, and
``RESULTS.md``: verdicts, tables, speeds and studies from these records alone, so that anyone with the folder gets the
same page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from analysis.compact import compact, compact_sessions
from analysis.results_page import page
from analysis.studies.known import STUDIES
from analysis.tables.matching import fill
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.store import Runs, load_runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Table
from gfl_bench.sweep.validity import SweepError

PAGE = "RESULTS.md"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with a sentence where a name is unknown or the folder cannot be written."""
    options = _parse(arguments)
    tables = load_tables(sweeps_folder())
    unknown = [name for name in options.tables if name not in tables]
    if unknown:
        sys.exit(f"there is no {', '.join(unknown)}; there are {', '.join(tables)}")
    try:
        if options.runs.resolve() != options.out.resolve():
            _compact(options.runs, options.out, tables, options.tables)
        command = f"python analysis/make_results.py {' '.join(options.tables)}"
        (options.out / PAGE).write_text(page(options.out, tables, options.tables, command), encoding="utf-8")
    except SweepError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{options.out} cannot be written ({error.strerror}): choose another folder with --out")
    print(options.out / PAGE)


def _compact(runs: Path, out: Path, tables: dict[str, Table], names: Sequence[str]) -> None:
    """Those of the tables under the scales' own conditions, and of the studies; these with examples."""
    fillings = _Fillings(tables, load_runs(runs), runs)
    studied = fillings.places(cell.partition(".")[::2] for study in STUDIES for cell in study.cells)
    others = fillings.places((name, row.name) for name in names for row in tables[name].rows)
    compact(runs, studied | others, out, with_examples=studied)
    compact_sessions(runs, names, out)


class _Fillings:
    """Which runs stand in which rows, under the scales' own conditions."""

    def __init__(self, tables: dict[str, Table], runs: Runs, folder: Path) -> None:
        cells = ComposedCells()
        self._fill, self._folder = cache(lambda name: fill(tables[name], runs, cells)), folder

    def places(self, rows: Iterable[tuple[str, str]]) -> set[str]:
        """Below the folder, of the finished runs of ``rows``: pairs of a table's and a row's name."""
        return {
            str(Path(sample.path).relative_to(self._folder)) for table, row in rows for filling in self._fill(table)
            if not filling.condition.changes for sample in filling.samples.get(row, []) if sample.is_finished
        }  # fmt: skip


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make_results.py", description="Compact records, and RESULTS.md of them.")
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="such as table05")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the records (runs)")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the results (results)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
