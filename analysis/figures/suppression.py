"""Fig. 14: one object's candidates before and after NMS, with the quality predicted for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from analysis.evidence import Arrays
from analysis.figures.background import PAIRS
from analysis.figures.picture import draw_box, draw_truth, ious, show_image, truth_words, truths
from analysis.figures.records import Records
from analysis.figures.runs import has_evidence
from analysis.figures.style import GREEN, ORANGE, SKY, VERMILLION, canvas

GFOCAL = "table11.gfocal"
CHOICES = [(separate, GFOCAL) for separate, _ in PAIRS if ".atss" in separate]
READS = (
    "example_jpeg", "example_jpeg_end", "example_scale", "candidate_example", "candidate_box", "candidate_quality",
    "candidate_label", "detection_example", "detection_box", "detection_quality", "detection_label", "detection_score",
)  # fmt: skip
NEAR = 0.5  # IoU with the object from which on a box is about it
TOP = 4  # the paper's
LOOKS: tuple[tuple[str, str], ...] = ((VERMILLION, "-"), (ORANGE, "--"), (GREEN, "-."), (SKY, ":"))
MARGIN = 0.35  # of the object's larger side, shown around it
Array = NDArray[Any]


def draw(records: Records) -> tuple[Canvas, str]:
    picked = records.pick(*CHOICES, usable=lambda run: has_evidence(*READS)(run) and bool(targets(run.evidence)))
    runs = [found[0] for found in picked.runs.values()]
    target = find_object(runs[1].evidence, runs[0].evidence)
    drawing = canvas(4.1)
    axes = drawing.subplots(2, 2)
    names = [runs[0].config["quality"]["name"].replace("_", " ").replace("iou", "IoU"), "GFocal"]
    for pair, run, name in zip(axes, runs, names, strict=True):
        for axis, kind, when in zip(pair, ("candidate", "detection"), ("before NMS", "after NMS"), strict=True):
            _draw_boxes(axis, run.evidence, kind, target)
            if run is runs[0]:
                axis.set_title(when)
        pair[0].set_ylabel(name)
    known = len(truths(runs[0].evidence, "example", target.example)) > 0
    words = "its quality and, in brackets, its real IoU" if known else "its quality"
    return drawing, (
        f"The boxes of one class about one object before and after NMS, of ATSS with {names[0]} and of GFocal. "
        f"Coloured are the {TOP} of highest predicted quality, each with {words}; thin the others. "
        f"{truth_words(runs[0].evidence, 'example')}{picked.one_source}"
    )


@dataclass(frozen=True)
class Target:
    """An object in an example image."""

    example: int
    box: Array  # [4] pixels of the original image
    label: int


def find_object(*models: Arrays) -> Target:
    """The one about which every model has many candidates: the fewest of a model count."""
    return max(targets(models[0]), key=lambda one: min(len(near(model, "candidate", one)) for model in models))


def targets(evidence: Arrays) -> list[Target]:
    """What may be looked at: the ground truths where they were kept, else the best detection of each image."""
    if "example_truth_box" in evidence:
        columns = (evidence[f"example_truth_{name}"] for name in ("example", "box", "label"))
    else:
        order = np.argsort(-evidence["detection_score"].astype(np.float64), kind="stable")
        best = order[np.unique(evidence["detection_example"][order], return_index=True)[1]]
        columns = (evidence[f"detection_{name}"][best] for name in ("example", "box", "label"))
    return [Target(int(example), box, int(label)) for example, box, label in zip(*columns, strict=True)]


def near(evidence: Arrays, kind: str, target: Target) -> NDArray[np.int64]:
    """Rows of ``kind`` of the object's class about it, by falling quality."""
    same = (evidence[f"{kind}_example"] == target.example) & (evidence[f"{kind}_label"] == target.label)
    rows = np.flatnonzero(same)
    rows = rows[ious(evidence[f"{kind}_box"][rows], target.box[None])[:, 0] >= NEAR]
    return np.asarray(rows[np.argsort(-evidence[f"{kind}_quality"][rows].astype(np.float64), kind="stable")])


def _draw_boxes(axis: Axes, evidence: Arrays, kind: str, target: Target) -> None:
    show_image(axis, evidence, "example", target.example)
    rows = near(evidence, kind, target)
    boxes, quality = evidence[f"{kind}_box"][rows], evidence[f"{kind}_quality"][rows]
    for box in boxes[TOP:]:
        draw_box(axis, box, "0.85", width=0.4, halo=False)
    draw_truth(axis, evidence, "example", target.example)
    real = ious(boxes, truths(evidence, "example", target.example))
    for rank, (colour, line) in reversed(list(enumerate(LOOKS[: len(rows)]))):
        draw_box(axis, boxes[rank], colour, line)
    words = [f"{quality[rank]:.2f}" + (f" ({real[rank].max():.2f})" if real.size else "") for rank in range(len(rows))]
    keys = [Line2D([], [], color=colour, ls=line) for colour, line in LOOKS[: len(rows)]]
    narrow = {"ncols": 2, "columnspacing": 0.8, "handlelength": 1.5, "handletextpad": 0.3}
    axis.legend(keys, words[:TOP], loc="upper center", bbox_to_anchor=(0.5, 0), **narrow)
    (x, y), side = (target.box[:2] + target.box[2:]) / 2, max(target.box[2:] - target.box[:2]) * (0.5 + MARGIN)
    axis.set(xlim=(x - side, x + side), ylim=(y + side, y - side))
