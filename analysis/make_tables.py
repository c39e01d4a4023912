"""Write every table of ``sweeps/`` from the records of runs: ``python analysis/make_tables.py``.

Markdown, LaTeX and CSV for each table, scale and condition; the figures; ``missing.json``, what has no runs; and
one page, ``index.html``, with all of them and the verdicts on the paper's claims.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from analysis.claims import judge_everywhere
from analysis.freshness import Origin
from analysis.report import write_report
from analysis.report.details import Details
from analysis.report.drawn import figures_of
from analysis.report.records import Records
from analysis.studies.known import STUDIES
from analysis.tables.capabilities import capability_sheet
from analysis.tables.condition import DEFAULT_SCALE, Condition
from analysis.tables.in_turns import with_sessions
from analysis.tables.latex import latex
from analysis.tables.matching import Filling, fill
from analysis.tables.missing import missing_json
from analysis.tables.plain_text import markdown, terminal
from analysis.tables.sheet import Sheet
from analysis.tables.speed_sheet import own_speeds, speed_sheet
from analysis.tables.spreadsheet import speed_spreadsheet, spreadsheet, word_spreadsheet
from analysis.tables.summary import TableSummary, summarise
from analysis.tables.timings import TimedTable, timed_tables
from analysis.tables.wording import write_sheet
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.speed_records import Comparison, load_speed
from gfl_bench.results.store import Runs, load_runs
from gfl_bench.sweep.cells import CellError, ComposedCells
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Table
from gfl_bench.sweep.validity import SweepError


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; exits with one sentence where a table file or the output folder cannot be used."""
    options = _parse(arguments)
    try:
        origin = Origin(options.runs, options.no_figures)
        if options.print is None and origin.made(options.out):
            print(f"nothing has changed: {options.out / 'index.html'}")
            return
        tables = load_tables(sweeps_folder())
        _check_names(options.print, tables)
        sheets = make_tables(tables, options.runs, options.out, whole=True, figures=not options.no_figures)
        origin.leave(options.out)
    except (SweepError, CellError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"the tables cannot be written to {options.out} ({error.strerror}): choose another folder with --out")
    wanted = [] if options.print is None else [s for s in sheets if not options.print or s.table.name in options.print]
    print("\n".join([*map(terminal, wanted), f"{len(sheets)} tables: {options.out / 'index.html'}"]))


def make_tables(
    tables: dict[str, Table], folder: Path, out: Path, whole: bool = False, figures: bool = False
) -> list[Sheet]:
    """Write all tables from the runs in ``folder`` to ``out``; returns what was written, in the page's order.

    Args:
        whole: with Table 1, which no run fills, and with verdicts on the claims, for which ``tables`` must be all.
        figures: draw the figures as well.
    """
    out.mkdir(parents=True, exist_ok=True)
    runs, cells, speeds = load_runs(folder), ComposedCells(), load_speed(folder)
    timed = {name: timed_tables(table, speeds.comparisons) for name, table in tables.items()}
    written = sheets_of(tables, runs, cells, folder, speeds.comparisons)
    sheets = [*([_write_capabilities(out)] if whole else []), *_write_tables(out, written, timed, str(folder))]
    sheets += _write_studies(out, runs, tables, cells, str(folder)) if whole else []
    _write(out, "missing", {".json": missing_json([summary for summary, _ in written], str(folder))})
    judgements = judge_everywhere(runs, tables, cells, speeds.comparisons, DEFAULT_SCALE) if whole else []
    drawn = figures_of(runs, out / "figures", cells, speeds.comparisons) if figures else []
    skipped = [f"{path} {reason}." for path, reason in [*runs.skipped, *speeds.skipped]] + cells.failures
    for sentence in skipped:
        print(f"skipped: {sentence}", file=sys.stderr)
    records = Records(runs)
    details = Details(records, cells, str(folder))
    write_report(
        out / "index.html", sheets, judgements, drawn, runs, records=records, folder=str(folder), skipped=skipped,
        details={sheet.name: details.of_table(summary) for summary, sheet in written},
    )  # fmt: skip
    return sheets


def _write_capabilities(out: Path) -> Sheet:
    sheet = capability_sheet()
    _write_sheet(out, sheet, word_spreadsheet(sheet))
    return sheet


def _write_studies(
    out: Path, runs: Runs, tables: dict[str, Table], cells: ComposedCells, folder: str
) -> list[Sheet]:
    sheets = [sheet for study in STUDIES for sheet in study.sheets(runs, tables, cells, folder, DEFAULT_SCALE)]
    for sheet in sheets:
        _write_sheet(out, sheet, word_spreadsheet(sheet))
    return sheets


def _write_tables(
    out: Path, written: list[tuple[TableSummary, Sheet]], timed: Mapping[str, list[TimedTable]], folder: str
) -> Iterator[Sheet]:
    """Those of each table, its speeds behind them."""
    for name, group in groupby(written, key=lambda pair: pair[1].table.name):
        for summary, sheet in group:
            sheet.notes += own_speeds(summary, timed[name], folder)
            _write_sheet(out, sheet, spreadsheet(summary, sheet))
            yield sheet
        yield from (_write_speed(out, one) for one in timed[name])


def _write_speed(out: Path, timed: TimedTable) -> Sheet:
    sheet = speed_sheet(timed)
    _write_sheet(out, sheet, speed_spreadsheet(timed))
    return sheet


def sheets_of(
    tables: Mapping[str, Table], runs: Runs, cells: ComposedCells, folder: Path, speeds: Sequence[Comparison] = ()
) -> list[tuple[TableSummary, Sheet]]:
    """Every table under each condition, in numbers and in words."""
    summaries = [summary for table in tables.values() for summary in _summaries(table, runs, cells, speeds)]
    return [(each, write_sheet(each, cells.config(each.condition.scale), str(folder))) for each in summaries]


def _summaries(
    table: Table, runs: Runs, cells: ComposedCells, speeds: Sequence[Comparison]
) -> list[TableSummary]:
    """One for each condition; an empty one at the default scale where there are no runs."""
    fillings = fill(table, runs, cells) or [Filling(Condition(DEFAULT_SCALE))]
    return [summarise(table, with_sessions(table, filling, speeds)) for filling in fillings]


def _write_sheet(out: Path, sheet: Sheet, csv: str) -> None:
    _write(out, sheet.name, {".md": markdown(sheet), ".tex": latex(sheet), ".csv": csv})


def _write(out: Path, name: str, texts: dict[str, str]) -> None:
    for suffix, text in texts.items():
        (out / f"{name}{suffix}").write_text(text, encoding="utf-8")


def _check_names(names: list[str] | None, tables: dict[str, Table]) -> None:
    known = [capability_sheet().name, *tables]
    unknown = sorted(set(names or []) - set(known))
    if unknown:
        raise SweepError(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make_tables.py", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the records (runs)")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder for the tables (report)")
    parser.add_argument("--print", nargs="*", metavar="TABLE", help="show these tables, such as table11, or all")
    parser.add_argument("--no-figures", action="store_true", help="leave out the figures, which take longest")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
