"""Table 10 as a picture: the predicted quality of every positive box against its real IoU."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Canvas

from analysis.figures.density import draw_density
from analysis.figures.positives import positives
from analysis.figures.records import Records
from analysis.figures.runs import Run, has_evidence
from analysis.figures.style import canvas

CELLS = {
    "table02.atss_none": "no quality", "table02.atss_centerness_branch": "centerness",
    "table02.atss_iou_branch": "IoU branch", "table02.atss_joint": "joint", "table11.qfl_dfl": "without DGQP",
    "table11.gfocal": "GFocal",
}  # fmt: skip
NANODET = {"table15.nanodet_320": "NanoDet, 320", "table15.nanodet_416": "NanoDet, 416"}


def draw(records: Records) -> tuple[Canvas, str]:
    usable = has_evidence("positive_predicted", "positive_iou")
    picked = records.pick(tuple(CELLS), tuple(NANODET), usable=usable, least=2)
    rows = -(-len(picked.runs) // 2)
    drawing = canvas(0.4 + 1.35 * rows)
    axes = drawing.subplots(rows, 2, squeeze=False)
    shown = axes.flat[: len(picked.runs)]
    hexagons = [_draw_run(axis, cell, runs[0]) for axis, (cell, runs) in zip(shown, picked.runs.items(), strict=True)]
    counts = LogNorm(1, max(float(np.max(np.asarray(each.get_array()))) for each in hexagons))
    for each in hexagons:
        each.set_norm(counts)
    for axis in axes.flat[len(picked.runs) :]:
        axis.set_axis_off()
    drawing.colorbar(hexagons[0], ax=axes, pad=0.02, aspect=40, label="boxes")
    drawing.supxlabel("predicted quality")
    drawing.supylabel("real IoU")
    return drawing, (
        f"Predicted quality and real IoU of the boxes of {positives(picked.first.evidence)}, before any threshold or "
        "NMS, as in Table 10; colour counts boxes, r is Pearson's of those shown. ATSS assigns all locations. "
        f"{picked.one_source}"
    )


def _draw_run(axis: Axes, cell: str, run: Run) -> PolyCollection:
    title = f"{(CELLS | NANODET)[cell]}, "
    hexagons = draw_density(axis, run.evidence["positive_predicted"], run.evidence["positive_iou"], title)
    axis.plot([0, 1], [0, 1], color="0.5", lw=0.6, ls=":")
    axis.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    return hexagons
