"""Numbers a head predicts, and boxes (x1, y1, x2, y2): one into the other, both ways."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

MAX_LOG_RATIO = abs(math.log(16 / 1000))  # a decoded side is at most 62.5 times the prior's


def boxes_from_distances(center: Tensor, ltrb: Tensor) -> Tensor:
    """Boxes [..., 4] whose sides lie ``ltrb`` [..., 4] from ``center`` [..., 2], all in one unit."""
    return torch.cat([center - ltrb[..., :2], center + ltrb[..., 2:]], dim=-1)


def distances_to_sides(center: Tensor, boxes: Tensor) -> Tensor:
    """Distances (l, t, r, b) [..., 4] from ``center`` [..., 2]; negative where the centre lies beyond a side."""
    return torch.cat([center - boxes[..., :2], boxes[..., 2:] - center], dim=-1)


def boxes_from_deltas(priors: Tensor, deltas: Tensor, std: Sequence[float]) -> Tensor:
    """Boxes [..., 4] from ``priors`` [..., 4] and (dx, dy, dw, dh) [..., 4] in units of ``std`` (4 numbers)."""
    offset, log_ratio = (deltas * deltas.new_tensor(std)).split(2, dim=-1)
    size = priors[..., 2:] - priors[..., :2]
    center = (priors[..., :2] + priors[..., 2:]) / 2 + offset * size
    half = size * log_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp() / 2
    return torch.cat([center - half, center + half], dim=-1)


def deltas_from_boxes(priors: Tensor, boxes: Tensor, std: Sequence[float]) -> Tensor:
    """Inverse of ``boxes_from_deltas`` for boxes with area."""
    size, target_size = priors[..., 2:] - priors[..., :2], boxes[..., 2:] - boxes[..., :2]
    offset = (boxes[..., :2] + boxes[..., 2:] - priors[..., :2] - priors[..., 2:]) / 2 / size
    return torch.cat([offset, (target_size / size).log()], dim=-1) / boxes.new_tensor(std)


def centerness(center: Tensor, boxes: Tensor) -> Tensor:
    """sqrt(min(l, r) / max(l, r) * min(t, b) / max(t, b)) (Tian et al., 2019) of points [..., 2]; 0 outside a box."""
    distances = distances_to_sides(center, boxes).clamp(min=0)
    first, second = distances[..., :2], distances[..., 2:]
    return (torch.minimum(first, second) / torch.maximum(first, second)).prod(dim=-1).sqrt()
