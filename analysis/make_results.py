"""Results to commit: ``python analysis/make_results.py --runs runs --out results table05 table11``.

Compact records of the runs behind the named tables and the studies, of these tables' speed sessions, and
``RESULTS.md``: verdicts, tables, speeds and studies from these records alone, so that anyone with the folder gets the
same page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from tabulate import tabulate

from analysis.claims import judge
from analysis.claims.judgement import Judgement, Verdict
from analysis.compact import compact, compact_sessions
from analysis.report.overview import overview
from analysis.report.records import Records
from analysis.studies.known import STUDIES
from analysis.tables.exported import with_exported
from analysis.tables.matching import fill
from analysis.tables.plain_text import markdown
from analysis.tables.speed_sheet import speed_sheet
from analysis.tables.summary import TableSummary, summarise
from analysis.tables.timings import timed_tables
from analysis.tables.wording import write_sheet
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.result import FINISHED
from gfl_bench.results.speed_records import Comparison, load_speed
from gfl_bench.results.store import Runs, load_runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Table
from gfl_bench.sweep.validity import SweepError

PAGE = "RESULTS.md"
FOLDER = "runs"  # that commands name: nobody trains into the results
HEAD = """# Results

The records beside this page hold what tables, verdicts and studies read. A verdict is of the scale that it names, on
generated scenes, and says nothing of COCO.

    {command}    # made this page
    python analysis/make_tables.py --runs {folder}    # makes the whole report
"""


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


def page(folder: Path, tables: dict[str, Table], names: Sequence[str], command: str) -> str:
    """``RESULTS.md`` of the records in ``folder``."""
    runs, cells, speeds = load_runs(folder), ComposedCells(), load_speed(folder).comparisons
    summaries = [one for name in names for one in _summaries(tables[name], runs, cells, speeds)]
    timed = [one for name in names for one in timed_tables(tables[name], speeds)]
    conditions = [summary.condition for summary in summaries] + [one.comparison.condition for one in timed]
    scales = dict.fromkeys(condition.scale for condition in conditions)
    judgements = [one for scale in scales for one in judge(runs, tables, cells, scale, speeds)]
    studies = [sheet for study in STUDIES for sheet in study.sheets(runs, tables, cells, FOLDER)]
    sheets = [write_sheet(each, cells.config(each.condition.scale), FOLDER) for each in summaries]
    parts = [HEAD.format(command=command, folder=folder.name), _machines(runs), "## Verdicts", *_verdicts(judgements)]
    parts += ["## Tables", *map(markdown, sheets)]
    parts += ["## Speeds", *(markdown(speed_sheet(one)) for one in timed)] if timed else []
    parts += ["## Studies", *map(markdown, studies)]
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


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


def _summaries(
    table: Table, runs: Runs, cells: ComposedCells, speeds: Sequence[Comparison]
) -> list[TableSummary]:
    usual = [filling for filling in fill(table, runs, cells) if not filling.condition.changes]
    return [summarise(table, with_exported(table, filling, speeds)) for filling in usual]


def _machines(runs: Runs) -> str:
    seen = overview(runs, Records(runs))
    finished = int(runs.frame["state"].isin(FINISHED).sum())
    return f"{finished} runs, on {'; '.join(seen.machines)}."


def _verdicts(judgements: Sequence[Judgement]) -> Iterator[str]:
    """What was measured, as a table; what was not, in a sentence."""
    measured = [one for one in judgements if one.verdict not in (Verdict.unmeasured, Verdict.proven)]
    rows = [
        [one.says, one.ref, one.scale, f"**{one.verdict.value}**", one.effect, one.interval,
         _counted(one.seeds, one.unit), "" if one.more_seeds is None else _counted(one.more_seeds, one.more_unit)]
        for one in measured
    ]  # fmt: skip
    heads = ["statement", "paper", "scale", "verdict", "measured", "interval", "of", "more would decide"]
    yield tabulate(rows, heads, tablefmt="pipe", disable_numparse=True)
    told = {one.id for one in measured}
    proven = sorted({one.id for one in judgements if one.verdict is Verdict.proven})
    rest = sorted({one.id for one in judgements} - told - set(proven))
    yield f"Proven by tests: {', '.join(proven)}. Not measured here: {', '.join(rest)}."


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make_results.py", description="Compact records, and RESULTS.md of them.")
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="such as table05")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the records (runs)")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the results (results)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
