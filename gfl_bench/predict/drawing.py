"""Detections on the picture that they were found in."""

from __future__ import annotations

from colorsys import hls_to_rgb

import numpy as np
import torch
from matplotlib.font_manager import findfont
from numpy.typing import NDArray
from torchvision.utils import draw_bounding_boxes

from gfl_bench.structures import Detections

SHARE = 40  # of the picture's long edge is one line of text
SMALLEST = 12  # pixels of text
GOLDEN = 0.6180339887498949


def draw(pixels: NDArray[np.uint8], found: Detections, names: list[str]) -> NDArray[np.uint8]:
    """A copy of ``pixels`` [H, W, 3] with boxes, names and scores, a colour for each class, the best on top."""
    if len(found.scores) == 0:
        return pixels.copy()
    order = found.scores.argsort()
    labels = found.labels[order].tolist()
    size = max(SMALLEST, max(pixels.shape) // SHARE)
    drawn = draw_bounding_boxes(
        torch.from_numpy(pixels).permute(2, 0, 1), found.boxes[order],
        labels=[f"{names[label]} {score:.2f}" for label, score in zip(labels, found.scores[order], strict=True)],
        colors=[_colour(label) for label in labels], width=max(2, size // 6),
        font=findfont("DejaVu Sans"), font_size=size, label_colors="black", fill_labels=True,
    )  # fmt: skip
    return drawn.permute(1, 2, 0).numpy()


def _colour(label: int) -> tuple[int, int, int]:
    """Light enough for black text; hues a golden section apart, so that no two labels share one."""
    red, green, blue = hls_to_rgb(label * GOLDEN % 1, 0.65, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)
