"""A session with ncnn for people, beside what the paper measured on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from gfl_bench.speed.ncnn_session import STAGE
from gfl_bench.sweep.table import Row, Table

COLUMNS = ("latency_ms", "size_mb")


def ncnn_report(session: Mapping[str, Any], rows: Mapping[str, Row], tables: Mapping[str, Table]) -> str:
    """Markdown: a table, and a line on the conditions."""
    baseline = session["baseline"]
    paper = {name: [_paper(name, row, tables, column) for column in COLUMNS] for name, row in rows.items()}
    lines = [
        [
            rows[name].label, f"{timed['median_ms']:.2f}", f"{timed['p5_ms']:.2f} to {timed['p95_ms']:.2f}",
            f"{timed['wall_median_ms']:.2f}",
            _ratio(timed["ratios"].get(baseline)), _digits(paper[name][0]),
            _over(paper[baseline][0], paper[name][0]), f"{cell['size_mb']:.2f}", _digits(paper[name][1]),
        ]
        for name, cell in session["cells"].items()
        for timed in [cell["stages"][STAGE]]
    ]  # fmt: skip
    measured = ["ms", "5 to 95 %", "by the wall", f"speed, {baseline} = 1"]
    head = ["", *measured, "paper's ms", "paper's speed", "MB", "paper's MB"]
    return f"{tabulate(lines, head, tablefmt='pipe', disable_numparse=True)}\n\n{_conditions(session)}"


def _paper(name: str, row: Row, tables: Mapping[str, Table], column: str) -> float | None:
    columns = tables[name.partition(".")[0]].columns
    return row.paper[columns.index(column)] if column in columns else None


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _over(baseline: float | None, own: float | None) -> str:
    return "" if baseline is None or own is None else f"{baseline / own:.2f}"


def _ratio(ratio: Mapping[str, Any] | None) -> str:
    if ratio is None:
        return "1"
    interval = "" if ratio["low"] is None else f" ({ratio['low']:.3f} to {ratio['high']:.3f})"
    return f"{ratio['value']:.3f}{interval}"


def _conditions(session: Mapping[str, Any]) -> str:
    protocol, others = session["protocol"], session["conditions"]["load"]["others_share"]
    told = "an unknown share" if others is None else f"{others:.0%}"
    return (
        "Milliseconds of processor time, which one thread alone takes by the wall too; by the wall it waits for others "
        f"as well. Networks alone with ncnn {protocol['software']['ncnn']}, one thread, {session['hardware']['cpu']}: "
        f"{session['rounds']} processes of each in turns, the median of {protocol['passes']} passes of each; others "
        f"took {told} of the processors' time. The paper's: a Kirin 980. "
        f"Protocol {protocol['id']}, hardware {session['hardware']['id']}."
    )
