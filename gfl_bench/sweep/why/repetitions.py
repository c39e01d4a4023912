"""The seeds of a cell, one a line: state, metrics, time and the curve of the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table as Lines
from rich.text import Text

from gfl_bench.results.reading import Unreadable, read_metrics
from gfl_bench.results.result import read_result
from gfl_bench.sweep.plan.duration import in_words
from gfl_bench.sweep.screen import STYLES, columns
from gfl_bench.sweep.selection import Planned
from gfl_bench.sweep.status.watch import Watched
from gfl_bench.sweep.table import Table
from gfl_bench.sweep.why.sparkline import sparkline

CURVE = 16  # characters
COLUMNS = 4  # of the table's metrics, so that a line stays within a terminal


def result_of(run: Planned) -> dict[str, Any] | None:
    """What a finished run left."""
    result = read_result(run.folder / "result.json")
    return None if isinstance(result, Unreadable) else result


def repetitions(table: Table, watched: Sequence[Watched]) -> Lines:
    """The runs of one cell of ``table``."""
    metrics = table.columns[:COLUMNS]
    ours = ("took", "loss", "")
    lines = columns("seed", "state", *metrics, *ours, numbers=("seed", *metrics), whole=ours)
    for one in watched:
        result = result_of(one.run) or {}
        values = {name: result.get("metrics", {}).get(name) for name in metrics}
        printed = ("" if value is None else f"{value:.{table.digits(name)}f}" for name, value in values.items())
        lines.add_row(str(one.run.seed), Text(_state(one), STYLES[one.state]), *printed, _took(result), *_curve(one))
    return lines


def _state(one: Watched) -> str:
    """The state, and how far an unfinished run is."""
    return f"{one.state} {one.step}/{one.steps}" if one.steps else one.state


def _took(result: Mapping[str, Any]) -> str:
    hours = result.get("metrics", {}).get("training_hours")
    return "" if hours is None else in_words(hours * 3600)


def _curve(one: Watched) -> tuple[str, str]:
    """The curve, and the loss at its ends."""
    logged = [line.get("loss") for line in read_metrics(one.run.folder / "metrics.jsonl")]
    losses = [float(loss) for loss in logged if isinstance(loss, int | float)]
    return sparkline(losses, CURVE), f"{losses[0]:.3g} to {losses[-1]:.3g}" if losses else ""
