"""Complete IoU (Zheng et al., 2020) and what darknet's ``dx_box_iou`` takes for its gradient.

Boxes are aligned [K, 4], (x1, y1, x2, y2). darknet's gradient is not that of the value: the IoU's part by the size is
twice what it should be, the aspect ratio's lacks 1 / (w^2 + h^2), and by the centre the enclosing box's has the other
sign. Its published weights were trained so.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gfl_bench.models.iou import iou

_EPS = 1e-6  # in the trade-off alpha
_SCALE = 4 / math.pi**2


def ciou(predicted: Tensor, target: Tensor) -> Tensor:
    """[K], at most 1."""
    overlap, (distance, diagonal) = iou(predicted, target), squared_distances(predicted, target)
    aspect = _SCALE * _angle(predicted, target).square()
    return overlap - distance / diagonal - aspect * aspect / (1 - overlap + aspect + _EPS)


def ciou_ascent(predicted: Tensor, target: Tensor) -> Tensor:
    """[K, 4]: darknet's derivatives of CIoU by the predicted box's x, y, w and h, in units of one over the boxes'."""
    center, size = _iou_ascent(predicted, target)
    distance_center, distance_size = _distance_ascent(predicted, target)
    return torch.cat([center + distance_center, size + distance_size + _aspect_ascent(predicted, target)], dim=1)


def _overlap(predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Signed sides [K, 2] of the overlap, its area [K, 1] and the union's, as darknet has them without any overlap."""
    sides = torch.minimum(predicted[:, 2:], target[:, 2:]) - torch.maximum(predicted[:, :2], target[:, :2])
    shared = sides.prod(dim=1, keepdim=True)
    return sides, shared, _size(predicted).prod(1, keepdim=True) + _size(target).prod(1, keepdim=True) - shared


def _iou_ascent(predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """By centre and size, [K, 2] each; 0 without overlap."""
    sides, shared, union = _overlap(predicted, target)
    other_side, other_size = sides.flip(1), _size(predicted).flip(1)
    low, high = predicted[:, :2] > target[:, :2], predicted[:, 2:] < target[:, 2:]
    slopes = []
    for sign, moves in ((-1, low), (1, high)):  # of the upper left corner, of the lower right one
        of_shared = sign * other_side * moves
        of_union = sign * other_size - of_shared
        slopes.append((union * of_shared - shared * of_union) / union.square())
    touches = (sides > 0).all(dim=1, keepdim=True)
    return (slopes[0] + slopes[1]) * touches, (slopes[1] - slopes[0]) * touches


def _distance_ascent(predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Of minus the centres' squared distance over the enclosing box's squared diagonal."""
    low, high = (predicted[:, :2] < target[:, :2]).float(), (predicted[:, 2:] > target[:, 2:]).float()
    enclosing = _enclosing(predicted, target)
    distance, diagonal = (value.unsqueeze(1) for value in squared_distances(predicted, target))
    by_center, by_size = 2 * enclosing * (high - low), enclosing * (high + low)
    apart = _center(target) - _center(predicted)
    return (2 * apart * diagonal - by_center * distance) / diagonal.square(), by_size * distance / diagonal.square()


def _aspect_ascent(predicted: Tensor, target: Tensor) -> Tensor:
    _, shared, union = _overlap(predicted, target)
    angle = _angle(predicted, target).unsqueeze(1)
    aspect = _SCALE * angle.square()
    alpha = aspect / (1 - shared / union + aspect + _EPS)
    width, height = _size(predicted).unbind(1)
    return alpha * 2 * _SCALE * angle * torch.stack([height, -width], dim=1)


def _angle(predicted: Tensor, target: Tensor) -> Tensor:
    """[K], by which the target's diagonal is the flatter of the two."""
    (width, height), (wanted_width, wanted_height) = _size(predicted).unbind(1), _size(target).unbind(1)
    return torch.atan(wanted_width / wanted_height) - torch.atan(width / height)


def squared_distances(predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Between the centres, and of the enclosing box's diagonal: [...] of boxes [..., 4] that broadcast."""
    apart = _center(predicted) - _center(target)
    return apart.square().sum(dim=-1), _enclosing(predicted, target).square().sum(dim=-1)


def _enclosing(predicted: Tensor, target: Tensor) -> Tensor:
    """Its width and height, [..., 2]."""
    return torch.maximum(predicted[..., 2:], target[..., 2:]) - torch.minimum(predicted[..., :2], target[..., :2])


def _size(boxes: Tensor) -> Tensor:
    return boxes[..., 2:] - boxes[..., :2]


def _center(boxes: Tensor) -> Tensor:
    return (boxes[..., :2] + boxes[..., 2:]) / 2
