"""Images in the middle of a black square, as NanoDet wants them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision import tv_tensors

from gfl_bench.structures import have_area

FRAME = "frame"  # of a sample: the box [4] float32 that the image fills in the square, in its pixels


class Letterbox:
    """Shrink or enlarge an image so that it fits a square, and move it to the middle; boxes go with their pixels.

    Where a pixel lies is its number, not the middle of its area, as in OpenCV's ``warpPerspective``, by which NanoDet
    was trained: halving an image takes every second pixel. Pixels between others are interpolated bilinearly, without
    anti-aliasing, and are whole numbers again. The published weights lose an AP or so on any other resize.

    Args:
        size: side of the square, in pixels.
        shares: smallest and largest share of what fits, one drawn for each image; boxes that leave the square with all
            of their area are left out.
        shift: most that an image is moved off the middle, as a share of its width and height where it fits.
    """

    def __init__(self, size: int, shares: tuple[float, float] = (1, 1), shift: float = 0.0) -> None:
        self.size, self.shares, self.shift = size, shares, shift

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        height, width = sample["image"].shape[-2:]
        sides = torch.tensor([width, height], dtype=torch.float64)
        fitting = self.size / max(height, width)
        scale = fitting * _drawn(*self.shares)
        off = torch.tensor([_drawn(-self.shift, self.shift) for _ in sides])
        corner = (self.size - scale * sides) / 2 + off * fitting * sides
        placed = {name: self._placed(sample[name], scale, corner) for name in ("boxes", "ignored_boxes")}
        seen = {name: _seen(boxes, self.size) for name, boxes in placed.items()}
        moved = sample | {name: tv_tensors.wrap(boxes[seen[name]], like=boxes) for name, boxes in placed.items()}
        moved["labels"] = sample["labels"][seen["boxes"]]
        if "sigma" in sample:
            moved["sigma"] = tv_tensors.wrap(sample["sigma"].scaled(scale, scale)[seen["boxes"]], like=sample["sigma"])
        moved["image"] = tv_tensors.Image(_sampled(sample["image"].as_subclass(Tensor), scale, corner, self.size))
        return moved | {FRAME: torch.cat([corner, corner + scale * sides]).float()}

    def _placed(self, boxes: Tensor, scale: float, corner: Tensor) -> tv_tensors.BoundingBoxes:
        placed = (boxes.as_subclass(Tensor) * scale + corner.repeat(2)).float()
        return tv_tensors.BoundingBoxes(
            placed, format=tv_tensors.BoundingBoxFormat.XYXY, canvas_size=(self.size, self.size)
        )


def _drawn(low: float, high: float) -> float:
    return low if low == high else float(torch.empty((), dtype=torch.float64).uniform_(low, high))


def _seen(boxes: Tensor, size: int) -> Tensor:
    """[N] bool: which of ``boxes`` [N, 4] have area in the square."""
    return have_area(boxes.as_subclass(Tensor).clamp(0, size))


def _sampled(image: Tensor, scale: float, corner: Tensor, size: int) -> Tensor:
    """[C, size, size] uint8, whose pixel p shows ``image`` [C, H, W] at (p - corner) / scale, and black beyond it."""
    x, y = ((torch.arange(size, dtype=torch.float64) - start) / scale for start in corner)
    padded = functional.pad(image.double(), (1, 1, 1, 1))
    return _between(_between(padded, 1, y), 2, x).round().to(torch.uint8)


def _between(padded: Tensor, dimension: int, place: Tensor) -> Tensor:
    """Lines of ``padded`` at ``place`` [N], counted without its border, each interpolated between its two neighbours.

    Not torch's ``grid_sample``, whose coordinates from -1 to 1 are inexact: where a value lies just between two whole
    numbers, as every second one does at half the size, chance would round it.
    """
    before = place.floor()
    lines = ((line + 1).clamp(0, padded.shape[dimension] - 1).long() for line in (before, before + 1))
    lower, upper = (padded.index_select(dimension, line) for line in lines)
    share = place - before
    share = share[:, None] if dimension == 1 else share
    return lower * (1 - share) + upper * share
