"""Numbers counted again: as lines of a terminal, as CSV, and as records that every table can be made from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from analysis.reevaluation.counting import Counted
from gfl_bench.atomic import replacing
from gfl_bench.results.metrics import METRICS

DIGITS = 1  # as the paper prints AP
NOTHING = "\N{EN DASH}"


def lines(counted: Sequence[Counted], by_class: bool) -> str:
    """A table with one line a run; the last column is the largest difference to what the run measured itself."""
    columns, extra = _columns(counted), _thresholds(counted) + (_classes(counted) if by_class else [])
    heads = ["run", "seed", *columns, *(name for name, _ in extra), "to the record"]
    rows = [
        [one.task.record["cell"] or one.task.run.parent.name, one.task.record["seed"],
         *(_text(one.metrics.get(name)) for name in columns), *(_text(values.get(_key(one))) for _, values in extra),
         _largest(one)]
        for one in counted
    ]  # fmt: skip
    return tabulate(rows, heads, disable_numparse=True, colalign=["left", *["right"] * (len(heads) - 1)])


def spreadsheet(counted: Sequence[Counted], by_class: bool) -> str:
    """Every number in full, one line a run."""
    columns, extra = _columns(counted), _thresholds(counted) + (_classes(counted) if by_class else [])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    changes = [f"{name}_to_record" for name in columns]
    writer.writerow(["path", "cell", "id", "seed", "tool", *columns, *changes, *(name for name, _ in extra)])
    for one in counted:
        record = one.task.record
        about = [one.task.run, record["cell"], record["id"], record["seed"], one.tool]
        measured = [of.get(name) for of in (one.metrics, one.differences) for name in columns]
        numbers = [*measured, *(values.get(_key(one)) for _, values in extra)]
        writer.writerow(about + numbers)
    return text.getvalue()


def write_record(counted: Counted, out: Path) -> None:
    """The run's result with the new numbers, in ``out`` under its own folder names.

    Options that the filter stands for are changed in its config, so that a table says so; what a run with them would
    have measured otherwise is not measured: speeds, and what NMS displaced.
    """
    task, record = counted.task, json.loads(json.dumps(counted.task.record))
    record["metrics"] |= counted.metrics
    if not task.filter.is_empty:
        changed = {"nms_iou": task.filter.nms, "max_detections": task.filter.max_detections}
        record["config"]["detector"]["postprocess"] |= {key: one for key, one in changed.items() if one is not None}
        speeds = [name for name, metric in METRICS.items() if metric.mode == "speed"]
        record["metrics"] |= dict.fromkeys(speeds)
        record |= {"speed": None, "displacement": None}
    record["reevaluated"] = {"from": str(task.run), "tool": counted.tool}
    folder = out / task.run.parent.name / task.run.name
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "result.json") as file:
        file.write(json.dumps(record, indent=1, allow_nan=False).encode())


Extra = list[tuple[str, dict[int, Any]]]  # heading, and the value of each run that has one


def _columns(counted: Sequence[Counted]) -> list[str]:
    """What any of them measured."""
    return [name for name in METRICS if any(name in one.metrics for one in counted)]


def _thresholds(counted: Sequence[Counted]) -> Extra:
    """AP at each IoU, where others than COCO's were asked for."""
    asked = dict.fromkeys(value for one in counted if one.task.thresholds for value in one.by_threshold)
    return [(f"AP@{value:g}", {_key(one): one.by_threshold.get(value) for one in counted}) for value in asked]


def _classes(counted: Sequence[Counted]) -> Extra:
    names = dict.fromkeys(name for one in counted for name in one.by_class)
    return [(name, {_key(one): one.by_class.get(name) for one in counted}) for name in names]


def _key(counted: Counted) -> int:
    return id(counted)


def _text(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.{DIGITS}f}"


def _largest(counted: Counted) -> str:
    known = [value for value in counted.differences.values() if value is not None]
    largest = max(known, key=abs, default=None)
    return NOTHING if largest is None else f"{largest:+.2g}" if largest else "0"
