"""Numbers of a run from its ``result.json`` and ``metrics.jsonl`` that no table prints; None where not told."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

from analysis.tables.matching import Sample
from analysis.tables.record import number, result_of, section
from gfl_bench.results.reading import read_metrics

LAST = 0.8  # where the last fifth of the training begins
QUALITY_LOSS = "loss_quality"
SECONDS_A_STEP = "seconds_a_step"


def seconds_a_step(run: Sample) -> float | None:
    """Wall-clock of the training, all its sessions, over its steps; where steps were timed in turns, theirs."""
    if SECONDS_A_STEP in run.metrics:
        return run.metrics[SECONDS_A_STEP]
    hours, steps = run.metrics.get("training_hours"), number(section(result_of(run.path), "timings"), "steps")
    return 3600 * hours / steps if hours and steps else None


def parameters(run: Sample) -> float | None:
    return number(result_of(run.path), "parameters")


def displaced_share(run: Sample) -> float | None:
    """Percent of the displacements that the separate quality estimate alone makes (Section 1)."""
    return number(section(result_of(run.path), "displacement"), "share")


def displaced_ap50(run: Sample) -> float | None:
    """AP50 that these displacements cost."""
    return number(section(result_of(run.path), "displacement"), "ap50_cost")


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
    found = ((int(line["step"]), number(line, QUALITY_LOSS)) for line in lines)
    return [(step, loss) for step, loss in found if loss is not None]
