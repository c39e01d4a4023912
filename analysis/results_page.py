"""``RESULTS.md``: verdicts, tables, speeds and studies of the records in one folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tabulate import tabulate

from analysis.claims import Judgement, Verdict, judge_everywhere
from analysis.report.overview import overview
from analysis.report.records import Records
from analysis.studies.known import STUDIES
from analysis.tables.condition import DEFAULT_SCALE
from analysis.tables.in_turns import with_sessions
from analysis.tables.matching import fill
from analysis.tables.plain_text import markdown
from analysis.tables.sheet import Sheet
from analysis.tables.speed_sheet import own_speeds, speed_sheet
from analysis.tables.summary import TableSummary, summarise
from analysis.tables.timings import TimedTable, timed_tables
from analysis.tables.wording import write_sheet
from gfl_bench.results.result import FINISHED
from gfl_bench.results.speed_records import Comparison, load_speed
from gfl_bench.results.store import Runs, load_runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.table import Table

FOLDER = "runs"  # that commands name: nobody trains into the results
HEAD = """# Results

The records beside this page hold what tables, verdicts and studies read. A verdict is of the scale that it names, on
generated scenes, and says nothing of COCO.

    {command}    # made this page
    python analysis/make_tables.py --runs {folder}    # makes the whole report
"""


def page(folder: Path, tables: dict[str, Table], names: Sequence[str], command: str) -> str:
    """``RESULTS.md`` of the records in ``folder``."""
    runs, cells, speeds = load_runs(folder), ComposedCells(), load_speed(folder).comparisons
    summaries = [one for name in names for one in _summaries(tables[name], runs, cells, speeds)]
    timed = {name: timed_tables(tables[name], speeds) for name in names}
    sessions = [one for found in timed.values() for one in found]
    judgements = judge_everywhere(runs, tables, cells, speeds, DEFAULT_SCALE)
    sheets = [_sheet(one, timed[one.table.name], cells) for one in summaries if _is_told(one)]
    studies = [sheet for study in STUDIES for sheet in study.sheets(runs, tables, cells, FOLDER)]
    head = HEAD.format(command=command, folder=_place(folder))
    parts = [head, _machines(runs), "## Verdicts", *_verdicts(judgements)]
    parts += ["## Tables", *_left_out(summaries, folder), *map(markdown, sheets)]
    parts += ["## Speeds", *(markdown(speed_sheet(one)) for one in sessions)] if sessions else []
    parts += ["## Studies", *map(markdown, studies)]
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def _summaries(
    table: Table, runs: Runs, cells: ComposedCells, speeds: Sequence[Comparison]
) -> list[TableSummary]:
    usual = [filling for filling in fill(table, runs, cells) if not filling.condition.changes]
    return [summarise(table, with_sessions(table, filling, speeds)) for filling in usual]


def _sheet(summary: TableSummary, timed: Sequence[TimedTable], cells: ComposedCells) -> Sheet:
    sheet = write_sheet(summary, cells.config(summary.condition.scale), FOLDER)
    sheet.notes += own_speeds(summary, timed, FOLDER)
    return sheet


def _is_told(summary: TableSummary) -> bool:
    """Whether half of its rows were run; of some tables only rows that others share were."""
    return sum(not row.is_empty for row in summary.rows) * 2 >= len(summary.rows)


def _place(folder: Path) -> str:
    """As a command beside the project would name it."""
    return folder.name if folder.is_absolute() else folder.as_posix()


def _left_out(summaries: Sequence[TableSummary], folder: Path) -> Iterator[str]:
    names = [f"{one.table.name} at scale {one.condition.scale}" for one in summaries if not _is_told(one)]
    if names:
        command = f"`python analysis/make_tables.py --runs {_place(folder)} --print TABLE`"
        yield f"Left out, fewer than half of their rows run: {', '.join(names)}. {command} prints them."


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
