"""Sessions in words: a sheet of ratios for each table and condition, and where each run's own FPS are spoken of."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from analysis.tables.caption import heading
from analysis.tables.digits import NOTHING
from analysis.tables.record import number, section
from analysis.tables.sheet import Entry, Line, Sheet
from analysis.tables.summary import TableSummary
from analysis.tables.timings import COLUMN, NCNN, STAGE, TRAIN, TimedTable, Timing, is_usual
from gfl_bench.results.samples import Ratio, Summary
from gfl_bench.sweep.table import Row, Table

HEADS = {"model": "network", STAGE: "boxes", "end_to_end": "end to end", NCNN: "ncnn", TRAIN: "training step"}
SUFFIX = ": speed in turns"  # of the title
MEANINGS = {
    "model": "Network: the network alone.", STAGE: "Boxes: with post-processing, as the paper times it.",
    "end_to_end": "End to end: from the image file to boxes.", NCNN: "ncnn: the network alone, processor time.",
    TRAIN: "Training step: of a batch, not an image, from the device's memory to the next weights.",
}  # fmt: skip
READING = (
    "Milliseconds an image are medians. Speed: how many times as fast as {} in the same round, median with its 95 % "
    "bootstrap interval, of several sessions the mean with Student's over them{}."
)


def speed_sheet(timed: TimedTable) -> Sheet:
    """A line for each row that was timed."""
    table = timed.table
    heads = [f"{HEADS[stage]}{what}" for stage in timed.stages for what in (", ms", ", speed")]
    columns = (*heads, *([COLUMN] if STAGE in timed.stages else []))
    unseen = [row.label for row in table.rows if not row.needs and row.name not in timed.timings]
    own = replace(table, title=f"{table.title}{SUFFIX}", columns=columns, compare=(), notes=())
    return Sheet(
        name=f"{table.name}.{_slug(timed)}",
        table=own,
        heading=heading(own),
        setting=_setting(timed),
        caption=" ".join(filter(None, _caption(timed))),
        lines=[_line(timed, row) for row in timed.rows],
        command=timed.comparison.sessions[-1]["command"],
        notes=[f"Not timed: {', '.join(unseen)}."] if unseen else [],
        is_measured=False,
        is_timed=True,
    )


def own_speeds(summary: TableSummary, timed: Sequence[TimedTable], runs: str) -> list[str]:
    """A note on FPS of runs, and where ratios are; of the scales' own options, and of tables that have the column."""
    table, condition = summary.table, summary.condition
    if COLUMN not in table.columns or COLUMN in summary.timed_on or condition.changes:
        return []
    found = [one for one in timed if is_usual(one.comparison, condition.scale)]
    place = [] if runs == "runs" else [f"paths.runs={runs}"]
    command = ["python", "-m", "gfl_bench.speed", f"sweep={table.name}", f"scale={condition.scale}", *place]
    where = f'ratios are in "{heading(table)}{SUFFIX}"' if found else f"to time rows in turns: {shlex.join(command)}"
    return [f"{COLUMN} are each run's own, on a machine that may have been busy; {where}."]


def _slug(timed: TimedTable) -> str:
    condition = timed.comparison.condition
    return f"{condition.scale}.speed-{hashlib.sha256(repr(condition).encode()).hexdigest()[:6]}"


def _setting(timed: TimedTable) -> str:
    condition = timed.comparison.condition
    changed = ", options changed" if condition.overrides else ""
    return f"Scale {condition.scale}{changed}, {timed.comparison.machine}, protocol {condition.protocol}"


def _line(timed: TimedTable, row: Row) -> Line:
    timings = timed.timings[row.name]
    entries = [entry for stage in timed.stages for entry in _entries(timed.table, row, timings.get(stage))]
    if STAGE in timed.stages:
        entries.append(_fps(timings[STAGE].speed) if STAGE in timings else Entry(NOTHING, ""))
    return Line(row.label, tuple(entries), seeds="", differences=(), clear=())


def _entries(table: Table, row: Row, timing: Timing | None) -> tuple[Entry, Entry]:
    """Milliseconds, and the ratio."""
    if timing is None:
        return Entry(NOTHING, ""), Entry(NOTHING, "")
    paper = "" if timing.paper is None else f"{timing.paper:.2f}"
    value, interval = ("1", "") if row.name == table.group(row) else _ratio(timing.ratio)
    is_earlier = bool(paper) and table.is_earlier(row, COLUMN)
    return Entry(f"{timing.speed.median_ms:.2f}", ""), Entry(value, paper, is_earlier=is_earlier, interval=interval)


def _ratio(ratio: Ratio | None) -> tuple[str, str]:
    if ratio is None:
        return NOTHING, ""
    return f"{ratio.value:.3f}", "" if ratio.low is None else f"{ratio.low:.3f} to {ratio.high:.3f}"


def _fps(speed: Summary) -> Entry:
    return Entry(f"{speed.fps:.1f}", "", interval=f"{1000 / speed.p95_ms:.1f} to {1000 / speed.p5_ms:.1f}")


def _caption(timed: TimedTable) -> Iterator[str]:
    condition, table = timed.comparison.condition, timed.table
    yield f"Scale {condition.scale}, in turns on {timed.comparison.machine}."
    if condition.overrides:
        yield f"Unlike the scale's own config: {', '.join(condition.overrides)}."
    yield f"{_conditions(timed)}."
    yield from (MEANINGS[stage] for stage in timed.stages)
    labels = {row.name: row.label for row in table.rows}
    names = dict.fromkeys(f'"{labels[table.group(row)]}"' for row in timed.rows)
    printed = any(timing.paper is not None for timings in timed.timings.values() for timing in timings.values())
    yield READING.format(" or ".join(names), ", and the paper's" if printed else "")
    yield f"{COLUMN}: to boxes, of 5 to 95 % of the rounds." if STAGE in timed.stages else ""
    yield f"Protocol {condition.protocol}, hardware {condition.hardware}."


def _conditions(timed: TimedTable) -> str:
    """How they were taken, and what else the machine did; what a record does not tell is left out."""
    sessions, names = timed.comparison.sessions, [cell.name for cell in timed.table.cells]
    flags = section(sessions[0], "protocol", "flags")
    cells = [session["cells"][name] for session in sessions for name in names if name in session["cells"]]
    passing = _span([number(section(cell, "post_processing"), "passing") for cell in cells], "{:.0f}".format)
    shares = [number(section(one, "conditions", "load"), "others_share") for one in sessions]
    others = _span([share and 100 * share for share in shares], "{:.0f}".format)
    threads = flags.get("threads")
    words = [
        _count(len(sessions), "session"), _count(sum(session["rounds"] for session in sessions), "round"),
        f"{section(sessions[0], 'protocol').get('weights', 'unknown')} weights", flags.get("precision"),
        threads and _count(threads, "thread"), "compiled" if flags.get("compiled") else "",
        passing and f"{passing} scores an image pass the threshold",
        others and f"others took {others} % of the processors' time",
    ]  # fmt: skip
    return ", ".join(str(word) for word in words if word)


def _span(values: Sequence[float | None], written: Callable[[float], str]) -> str:
    """The least and the greatest; once where they are written alike."""
    known = [value for value in values if value is not None]
    return " to ".join(dict.fromkeys(written(bound(known)) for bound in (min, max))) if known else ""


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
