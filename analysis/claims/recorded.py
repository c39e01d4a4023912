"""Numbers of a run from its ``result.json`` and ``metrics.jsonl`` that no table prints; None where not told."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from analysis.tables.matching import Sample
from gfl_bench.results.reading import Unreadable, read_metrics
from gfl_bench.results.result import read_result

LAST = 0.8  # where the last fifth of the training begins
QUALITY_LOSS = "loss_quality"


def seconds_a_step(run: Sample) -> float | None:
    """Wall-clock of the training over its steps."""
    timings = _section(run, "timings")
    training, steps = _number(timings, "training"), _number(timings, "steps")
    return training / steps if training and steps else None


def parameters(run: Sample) -> float | None:
    return _number(_result(run), "parameters")


def displaced_share(run: Sample) -> float | None:
    """Percent of the displacements that the separate quality estimate alone makes (Section 1)."""
    return _number(_section(run, "displacement"), "share")


def displaced_ap50(run: Sample) -> float | None:
    """AP50 that these displacements cost."""
    return _number(_section(run, "displacement"), "ap50_cost")


def quality_loss_area(run: Sample) -> float | None:
    """Mean of the quality loss over the training: its area by the length."""
    losses = [loss for _, loss in _quality_losses(run)]
    return fmean(losses) if losses else None


def quality_loss_end(run: Sample) -> float | None:
    """Mean of the quality loss over the last fifth of the training."""
    losses = _quality_losses(run)
    last = [loss for step, loss in losses if step > LAST * losses[-1][0]]
    return fmean(last) if last else None


def _quality_losses(run: Sample) -> list[tuple[int, float]]:
    """Step and loss; the log's lines are evenly spaced."""
    lines = read_metrics(Path(run.path) / "metrics.jsonl")
    found = ((int(line["step"]), _number(line, QUALITY_LOSS)) for line in lines)
    return [(step, loss) for step, loss in found if loss is not None]


def _section(run: Sample, section: str) -> Mapping[str, Any]:
    values = _result(run).get(section)
    return values if isinstance(values, Mapping) else {}


def _result(run: Sample) -> Mapping[str, Any]:
    values = read_result(Path(run.path) / "result.json")
    return {} if isinstance(values, Unreadable) else values


def _number(values: Mapping[str, Any], key: str) -> float | None:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)
