"""Fig. 15: the loss on quality during training, with and without DGQP."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure as Canvas

from analysis.figures.records import Records
from analysis.figures.runs import Run
from analysis.figures.style import BLUE, ORANGE, canvas

KEY = "loss_quality"
CURVES = {"table11.qfl_dfl": ("without DGQP", ORANGE, "--"), "table11.gfocal": ("with DGQP", BLUE, "-")}
WINDOW = 5  # log lines


def draw(records: Records) -> tuple[Canvas, str]:
    picked = records.pick(tuple(CURVES), usable=has_losses)
    drawing = canvas(2.0)
    axis = drawing.add_subplot()
    for cell, runs in picked.runs.items():
        label, colour, line = CURVES[cell]
        curves = smoothed(runs)
        axis.plot(curves.index, curves.mean(axis=1), color=colour, ls=line, label=label)
        axis.fill_between(curves.index, curves.min(axis=1), curves.max(axis=1), color=colour, alpha=0.2, lw=0)
    axis.set(xlabel="step", ylabel="QFL", xlim=(0, None))
    axis.legend(loc="best")
    seeds = max(len(runs) for runs in picked.runs.values())
    band = f" mean of {seeds} seeds, band from the lowest to the highest" if seeds > 1 else " one seed"
    return drawing, (
        f"The joint representation's loss (QFL over all locations) during training, running mean of {WINDOW} log lines "
        f"for both;{band}. {picked.source}"
    )


def has_losses(run: Run) -> bool:
    return sum(isinstance(line.get(KEY), float) for line in run.log) > 1


def smoothed(runs: Sequence[Run]) -> pd.DataFrame:
    """Running means by step, a column for each seed, at the steps that all logged."""
    curves = {run.seed: pd.Series({line["step"]: line.get(KEY) for line in run.log}, dtype=float) for run in runs}
    frame = pd.DataFrame(curves).dropna()
    return frame.rolling(WINDOW, min_periods=1, center=True).mean()
