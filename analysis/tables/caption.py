"""What is said above a table: its number and title, scale, data, length, baselines, machines, sources."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import mode
from typing import Any

from analysis.tables.condition import Condition
from analysis.tables.summary import TableSummary
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.store import flatten
from gfl_bench.sweep.table import Table


def heading(table: Table) -> str:
    """``Table 5. Focusing power of QFL``."""
    number = re.fullmatch(r"table0*(\d+)", table.name)
    return f"Table {number[1]}. {table.title}" if number else table.title


def setting(table: Table, condition: Condition, scale: Mapping[str, Any]) -> str:
    """What tells the sheets of one table apart; ``scale`` is the scale's own config."""
    if not table.cells:
        return "The paper's values alone"
    changes = {name: json.loads(text) for name, text in condition.changes}
    data = changes.get("data.name", table.base.get("data", scale["data"]["name"]))
    others = any(not name.startswith("data.") for name in changes)
    return f"Scale {condition.scale}, data {data}{', options changed' if others else ''}"


def caption(summary: TableSummary, scale: Mapping[str, Any]) -> str:
    """The sentences below the heading."""
    return " ".join(sentence for sentence in _sentences(summary, scale) if sentence)


def _sentences(summary: TableSummary, scale: Mapping[str, Any]) -> Iterator[str]:
    table, condition = summary.table, summary.condition
    place = setting(table, condition, scale)
    if table.cells:
        yield f"{place}, {_length(condition, scale)}."
        yield scale["scale"].get("caption", "") if condition.is_trained else ""
        yield f"Unlike the scale's own config: {condition.describe()}." if condition.changes else ""
        yield _baselines(summary)
        yield from _machines(summary)
        yield _trained_elsewhere(summary)
    else:
        yield f"{place}: none of the rows can be run yet."
    yield f"Source: {table.source}."
    if table.earlier is not None:
        yield f"In square brackets what only the paper's earlier version prints: {table.earlier.source}."


def _length(condition: Condition, scale: Mapping[str, Any]) -> str:
    """How long each row is trained; a row's own schedule may differ where the table's rows set one."""
    if not condition.is_trained:
        return "weights from files, none trained here"
    values = flatten(scale) | {name: json.loads(text) for name, text in condition.changes}
    epochs, steps, batch = (
        values[name] for name in ("schedule.epochs", "scale.steps_per_epoch", "schedule.batch_size")
    )
    return f"{epochs} epochs" if steps is None else f"{epochs * steps:,} steps of {batch} images"


def _baselines(summary: TableSummary) -> str:
    if not summary.table.compare:
        return ""
    names = " or ".join(dict.fromkeys(f'"{row.against}"' for row in summary.rows if not row.row.needs))
    return f"Δ: difference to {names}, paired by seed."


def _machines(summary: TableSummary) -> Iterator[str]:
    """Where times were measured, since they mean nothing elsewhere."""
    columns = [name for name in summary.table.columns if METRICS[name].of_machine]
    measured = [name for name in columns if any(row.measured[name] for row in summary.rows)]
    turns = [name for name in measured if name in summary.timed_on]
    yield from (f"{name} measured in turns on {summary.timed_on[name]}." for name in turns)
    own = [name for name in measured if name not in summary.timed_on]
    if own and summary.hardware:
        yield f"{' and '.join(own)} measured on {' and on '.join(summary.hardware)}."
        if len(summary.hardware) > 1:
            yield "Speeds on different machines cannot be compared."
        if summary.left_out:
            others = " and on ".join(summary.left_out)
            yield f"Left out: times on {others}, where most of a row's seeds were timed elsewhere."


def _trained_elsewhere(summary: TableSummary) -> str:
    """Runs that are not of the machine of most: another processor's rounding is in their means and differences."""
    runs = [(run.hardware, row.row.label, run.seed) for row in summary.rows for run in row.samples if run.hardware]
    usual = mode(machine for machine, _, _ in runs) if runs else None
    others: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for machine, label, seed in runs:
        if machine != usual:
            others[machine][label].append(str(seed))
    told = [
        f"on {machine}: " + ", ".join(f"{label} (seed {', '.join(seeds)})" for label, seeds in rows.items())
        for machine, rows in others.items()
    ]
    return f"Trained on {usual}; {'; '.join(told)}. Rounding differs between machines." if told else ""
