"""Fig. 2: what a separate branch and the joint score say of the background."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from analysis.evidence import Arrays
from analysis.figures.records import Records
from analysis.figures.runs import has_evidence
from analysis.figures.style import BLUE, GREEN, canvas

JOINT = {"atss": "table02.atss_joint", "fcos": "table02.fcos_joint"}
PAIRS = [(f"table02.{name}_{kind}", JOINT[name]) for name in JOINT for kind in ("iou_branch", "centerness_branch")]
READS = ("background_quality", "candidate_class_score", "candidate_quality")
POINTS = 400
HIGH = 0.5  # a background location of more is called high in the caption


def draw(records: Records) -> tuple[Canvas, str]:
    picked = records.pick(*PAIRS, usable=has_evidence(*READS))
    separate, joint = (runs[0] for runs in picked.runs.values())
    branch = separate.config["quality"]["name"].replace("_", " ").replace("iou", "IoU")
    drawing = canvas(1.9)
    left, right = drawing.subplots(1, 2)
    for run, colour, line, marker in ((separate, BLUE, "-", "o"), (joint, GREEN, "--", "x")):
        _shares(left, run.evidence, colour, line)
        _points(right, run.evidence, colour, marker)
    left.set(xlabel="quality", ylabel="background of at least this", yscale="log", xlim=(0, 1), ylim=(None, 1.5))
    right.set(xlabel="class score", ylabel="quality", xlim=(0, 1), ylim=(0, 1.02))
    for axis in (left, right):
        axis.set_xticks([0, 0.5, 1])
    circles = Line2D([], [], color=BLUE, ls="-", marker="o", mfc="none")
    crosses = Line2D([], [], color=GREEN, ls="--", marker="x")
    drawing.legend([circles, crosses], [branch, "joint score"], loc="outside upper center", ncols=2)
    high = [at_least(run.evidence["background_quality"])[round(100 * HIGH)] for run in (separate, joint)]
    return drawing, (
        f"Left: share of the background locations whose predicted quality is at least so high; above {HIGH} it is "
        f"{high[0]:.2%} by the {branch} and {high[1]:.2%} by the joint score. Right: class score and quality of "
        f"{POINTS} candidates of NMS each, circles for the branch; the joint score (crosses) is both at once. "
        f"{picked.one_source}"
    )


def at_least(histogram: NDArray[np.int64]) -> NDArray[np.float64]:
    """[B + 1] share of the counts in the bins from each on; the last is 0."""
    above = np.append(np.cumsum(histogram[::-1])[::-1], 0)
    return np.asarray(above / max(histogram.sum(), 1))


def _shares(axis: Axes, evidence: Arrays, colour: str, line: str) -> None:
    shares = at_least(evidence["background_quality"])
    shown = shares > 0  # a logarithm is drawn
    axis.plot(np.linspace(0, 1, len(shares))[shown], shares[shown], color=colour, ls=line)


def _points(axis: Axes, evidence: Arrays, colour: str, marker: str) -> None:
    score, quality = evidence["candidate_class_score"], evidence["candidate_quality"]
    chosen = np.linspace(0, len(score) - 1, min(POINTS, len(score))).astype(int)  # evenly, the same each time
    edges: dict[str, Any] = {"c": colour} if marker == "x" else {"facecolors": "none", "edgecolors": colour}
    axis.scatter(score[chosen], quality[chosen], s=7, marker=marker, linewidths=0.6, alpha=0.7, **edges)
