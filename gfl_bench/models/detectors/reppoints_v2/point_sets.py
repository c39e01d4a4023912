"""Sets of nine points (Yang et al., 2019): the boxes that they stand for, and features read at them.

A set is [B, 18, H, W]: (y, x) of the first point, (y, x) of the second, ..., counted from each location in cells of
its level, as mmdetection has them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gfl_bench.config.schema import BoxOfPoints
from gfl_bench.models.points.convolution import KERNEL_POINTS

POINTS = KERNEL_POINTS
_MOMENT_SHARE = 0.01  # of the gradient that reaches the moments' scale
_START = 2.0  # cells from the location


class PointBoxes(nn.Module):
    """The distances (l, t, r, b) from its location to the sides of a set's box; negative where a side lies beyond."""

    def __init__(self, kind: BoxOfPoints) -> None:
        super().__init__()
        self.kind = kind
        if kind is BoxOfPoints.moment:
            self.log_scale = nn.Parameter(torch.zeros(2))  # (x, y) of half a side over the standard deviation

    def forward(self, points: Tensor) -> Tensor:
        """[B, 18, H, W] -> [B, H, W, 4] in cells."""
        first, last = self._corners(kernel_points(points))
        return torch.cat([-first, last], dim=-1)

    def _corners(self, xy: Tensor) -> tuple[Tensor, Tensor]:
        """[..., 9, 2] -> top left and bottom right [..., 2]."""
        if self.kind is not BoxOfPoints.moment:
            of = xy if self.kind is BoxOfPoints.minmax else xy[..., :2, :]
            return of.amin(dim=-2), of.amax(dim=-2)
        mean, half = xy.mean(dim=-2), xy.std(dim=-2) * share_gradient(self.log_scale, _MOMENT_SHARE).exp()
        return mean - half, mean + half


def kernel_points(points: Tensor) -> Tensor:
    """(dx, dy) [B, H, W, 9, 2] of a set, as a ``PointConvolution`` takes them."""
    return points.unflatten(1, (POINTS, 2)).flip(2).permute(0, 3, 4, 1, 2)


def start() -> Tensor:
    """[18, 1, 1] where points are counted from: two opposite corners of four cells around the location, and itself.

    GIoU has no gradient at a box without extent, which all nine points at the location would make.
    """
    return torch.tensor([-_START, -_START, _START, _START] + [0.0] * (2 * POINTS - 4)).view(-1, 1, 1)


def share_gradient(x: Tensor, share: float) -> Tensor:
    """``x``, of whose gradient only ``share`` flows on."""
    return share * x + (1 - share) * x.detach()
