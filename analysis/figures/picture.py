"""Example images with boxes on them; all coordinates are pixels of the original image."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from PIL import Image

from analysis.evidence import Arrays

Array = NDArray[Any]


def show_image(axis: Axes, evidence: Arrays, kind: str, index: int) -> tuple[float, float]:
    """Draw image ``index`` of the kind ``example``, ``flat`` or ``sharp``; returns its width and height."""
    ends, scale = evidence[f"{kind}_jpeg_end"], float(evidence[f"{kind}_scale"][index])
    begin = int(ends[index - 1]) if index else 0
    content = evidence[f"{kind}_jpeg"][begin : int(ends[index])].tobytes()
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    height, width = pixels.shape[0] / scale, pixels.shape[1] / scale
    axis.imshow(pixels, extent=(0, width, height, 0), interpolation="bilinear", aspect="equal")
    axis.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    return width, height


def draw_box(axis: Axes, box: Array, colour: str, line: Any = "-", width: float = 1.2, halo: bool = True) -> None:
    """One box (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = (float(value) for value in box)
    rectangle = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec=colour, lw=width, ls=line)
    if halo:
        rectangle.set_path_effects([withStroke(linewidth=width + 0.8, foreground="black")])  # seen on light images too
    axis.add_patch(rectangle)


def draw_truth(axis: Axes, evidence: Arrays, kind: str, index: int) -> None:
    """Ground truths in white, where they were kept."""
    for box in truths(evidence, kind, index):
        draw_box(axis, box, "white", width=0.9)


def truths(evidence: Arrays, kind: str, index: int) -> Array:
    """[G, 4] ground truths of an image; none where they were not kept."""
    if f"{kind}_truth_box" not in evidence:
        return np.zeros((0, 4))
    return np.asarray(evidence[f"{kind}_truth_box"][evidence[f"{kind}_truth_example"] == index], np.float64)


def truth_words(evidence: Arrays, kind: str) -> str:
    """For a caption."""
    return "White: ground truth. " if f"{kind}_truth_box" in evidence else ""


def ious(boxes: Array, others: Array) -> NDArray[np.float64]:
    """[N, M] IoU of boxes (x1, y1, x2, y2)."""
    from pycocotools.mask import iou

    if not len(boxes) or not len(others):
        return np.zeros((len(boxes), len(others)))
    return np.asarray(iou(_sized(boxes), _sized(others), [0] * len(others)))


def _sized(boxes: Array) -> NDArray[np.float64]:
    """(x, y, width, height), as pycocotools wants them."""
    boxes = np.asarray(boxes, np.float64)
    return np.ascontiguousarray(np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1))
