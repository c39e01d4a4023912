"""Fig. 3: a sharp and a flat General Distribution, and how sharpness goes with the real quality of a box."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from analysis.figures.density import draw_density
from analysis.figures.positives import positives
from analysis.figures.records import Records
from analysis.figures.runs import Run, has_evidence
from analysis.figures.style import BLUE, ORANGE, canvas

# Whatever predicts General Distributions, GFocal itself first.
GENERAL = tuple(
    (cell,)
    for cell in (
        "table11.gfocal", "table11.qfl_dfl", "table11.dfl", "table06.atss_general", "table12.fcos_gfocal",
        "table12.retinanet_gfocal", "table12.foveabox_gfocal", "table12.reppoints_v2_gfocal",
        "table06.fcos_general_dfl", "table06.fcos_general", "table15.nanodet_416", "table15.nanodet_320",
    )
)  # fmt: skip
READS = ("side_top1", "positive_iou", "sharp_distribution", "flat_distribution")


def draw(records: Records) -> tuple[Canvas, str]:
    picked = records.pick(*GENERAL, usable=has_evidence(*READS))
    run = picked.first
    drawing = canvas(1.75)
    left, right = drawing.subplots(1, 2)
    _draw_sides(left, run)
    top1 = run.evidence["side_top1"].astype(np.float64).mean(axis=1)
    hexagons = draw_density(right, top1, run.evidence["positive_iou"])
    right.set(xlabel="Top-1, mean of the sides", ylabel="real IoU")
    drawing.colorbar(hexagons, ax=right, pad=0.02, aspect=28, label="boxes")
    return drawing, (
        "Left: the sharpest and the flattest side among the sharpest and the flattest detections. Right: the largest "
        "probability of a box's distributions, mean of the four sides, against its IoU with the ground truth, for "
        f"{positives(run.evidence)}. {picked.one_source}"
    )


def _draw_sides(axis: Axes, run: Run) -> None:
    delta = float(run.config["box"]["delta"])
    sharp = extreme_side(run.evidence["sharp_distribution"], sharpest=True)
    flat = extreme_side(run.evidence["flat_distribution"], sharpest=False)
    distance = np.arange(len(sharp)) * delta
    axis.bar(distance, sharp, 0.9 * delta, color=BLUE, label="sharp")
    axis.bar(distance, flat, 0.9 * delta, fc="none", ec=ORANGE, hatch="//////", lw=0.8, label="flat")
    axis.set(xlabel="distance (strides)", ylabel="probability")
    axis.legend(loc="upper right")


def extreme_side(distributions: NDArray[np.float16], sharpest: bool) -> NDArray[np.float64]:
    """[n + 1], of [N, 4, n + 1] the side whose largest probability is the largest or the smallest of all."""
    sides = distributions.reshape(-1, distributions.shape[-1]).astype(np.float64)
    top1 = sides.max(axis=1)
    return np.asarray(sides[top1.argmax() if sharpest else top1.argmin()])
