"""Overlaps of boxes (x1, y1, x2, y2) in float64, with the details that CrowdDet's numbers depend on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

THRESHOLD = 0.5  # an overlap must be above it
EPSILON = 1e-6  # square pixels added to what is divided by


def cut(boxes: Array, width: int, height: int) -> Array:
    """``boxes`` [N, 4] as far as they lie in the image; one that lies right of it or below keeps a strip of a pixel."""
    first = np.clip(boxes[:, :2], 0, [width - 1, height - 1])
    return np.concatenate([first, np.clip(boxes[:, 2:], 0, [width, height])], axis=1)


def iou(boxes: Array, others: Array) -> Array:
    """Intersection over union, [N, M]."""
    shared = _shared(boxes, others)
    return shared / (_area(boxes)[:, None] + _area(others) - shared + EPSILON)


def share_within(boxes: Array, regions: Array) -> Array:
    """Which share of each of ``boxes`` [N, 4] lies within each of ``regions`` [M, 4], [N, M]."""
    return _shared(boxes, regions) / (_area(boxes)[:, None] + EPSILON)


def _shared(boxes: Array, others: Array) -> Array:
    first = np.maximum(boxes[:, None, :2], others[None, :, :2])
    sides = np.minimum(boxes[:, None, 2:], others[None, :, 2:]) - first
    return np.asarray(np.maximum(sides, 0).prod(axis=2))


def _area(boxes: Array) -> Array:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
