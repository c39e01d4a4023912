"""Overlap of boxes (x1, y1, x2, y2), row with row or broadcast."""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-6  # floor of a union or hull, as the reference has it


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of [..., 4] boxes, their leading sizes broadcast; 0 where both have no area."""
    overlap = intersection(a, b)
    return overlap / (area(a) + area(b) - overlap).clamp(min=EPS)


def coverage(a: Tensor, b: Tensor) -> Tensor:
    """Share of ``a`` [..., 4] that lies in ``b`` [..., 4], broadcast (intersection over foreground)."""
    return intersection(a, b) / area(a).clamp(min=EPS)


def giou_loss(predicted: Tensor, target: Tensor, eps: float = EPS) -> Tensor:
    """1 - GIoU (Rezatofighi et al., 2019) of aligned [..., 4] boxes -> [...] in [0, 2]."""
    overlap = intersection(predicted, target)
    union = (area(predicted) + area(target) - overlap).clamp(min=eps)
    corners = torch.minimum(predicted[..., :2], target[..., :2]), torch.maximum(predicted[..., 2:], target[..., 2:])
    hull = area(torch.cat(corners, dim=-1)).clamp(min=eps)
    return 1 - overlap / union + (hull - union) / hull


def iou_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """-log IoU (Yu et al., 2016) of aligned [..., 4] boxes -> [...], the IoU floored."""
    return -iou(predicted, target).clamp(min=EPS).log()


def area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def intersection(a: Tensor, b: Tensor) -> Tensor:
    """Area shared by [..., 4] boxes, broadcast."""
    sides = torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])
    return sides.clamp(min=0).prod(dim=-1)
