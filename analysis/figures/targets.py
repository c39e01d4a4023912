"""Fig. 10: how far the sides of a ground truth lie from its positive locations, and what each range cuts off."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from analysis.figures.positives import positives
from analysis.figures.records import Records
from analysis.figures.runs import has_evidence
from analysis.figures.style import BLUE, canvas

# Targets are those of ATSS, whatever the heads predict.
ATSS = tuple(
    (cell,)
    for cell in (
        "table11.qfl_dfl", "table11.gfocal", "table11.qfl", "table11.atss", "table11.dfl", "table02.atss_none",
        "table02.atss_iou_branch", "table15.nanodet_416", "table15.nanodet_320",
    )
)  # fmt: skip
BIN = 0.25  # strides
MARGIN = 0.1  # bins: training clamps targets to n - 0.1, so that each has a bin on both sides


def draw(records: Records) -> tuple[Canvas, str]:
    picked = records.pick(*ATSS, usable=has_evidence("side_target", "target_histogram"))
    evidence = picked.first.evidence
    counts = evidence["target_histogram"][:-1]
    settings = [(row.overrides["box.n"], row.overrides["box.delta"]) for row in records.tables["table07"].rows]
    drawing = canvas(2.2)
    axis = drawing.add_subplot()
    share = 100 * counts / max(evidence["target_histogram"].sum(), 1)
    axis.stairs(share, np.arange(len(counts) + 1) * BIN, fill=True, color=BLUE)
    for end in sorted({n * delta for n, delta in settings if n * delta <= 20}):
        axis.axvline(end, color="0.3", lw=0.6, ls="--")
    axis.set(xlabel="distance to the side (strides)", ylabel=f"sides in {BIN} strides (%)", xlim=(0, 34))
    axis.text(0.99, 0.98, _table(settings, evidence["side_target"]), transform=axis.transAxes, ha="right", va="top",
              family="DejaVu Sans Mono", fontsize=7, linespacing=1.25)  # fmt: skip
    return drawing, (
        "Regression targets of ATSS: distances from all positive locations of the validation images to the four sides "
        "of their ground truths (the paper: of the training images). The table gives the share that training clamps, "
        f"because it lies beyond the range nΔ, for the settings of Table 7, of {positives(evidence)}; dashed: ends of "
        f"ranges. {picked.one_source}"
    )


def clamped(target: NDArray[np.float16], n: int, delta: float) -> float:
    """Share of the targets, in strides, that General Distribution with DFL clamps."""
    return float((target.astype(np.float64) > (n - MARGIN) * delta).mean()) if target.size else 0.0


def _table(settings: list[tuple[int, float]], target: NDArray[np.float16]) -> str:
    head = f"{'n':>3}{'Δ':>5}{'clamped':>10}"
    lines = [f"{n:>3}{delta:>5g}{clamped(target, n, delta):>10.2%}" for n, delta in settings]
    return "\n".join([head, *lines])
