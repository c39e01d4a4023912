"""BorderAlign (Qiu et al., 2020): on each border of a box the point that answers most, channel by channel.

A cell's value stands at its own location, from which a box is counted. The released code reads half a cell further to
the bottom right: it divides pixels by the stride and leaves FCOS's half-cell offset in.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gfl_bench.models.guidance.gather import gather
from gfl_bench.models.guidance.locations import borders, offsets_to

_BLOCK = 2**22  # values read at a time: 16 MiB
POINTS = 11  # N + 1 of a border, corners included: N = 10 in the paper and in the released code


class BorderFeatures(nn.Module):
    """Border Alignment Module: features [B, F, H, W] -> [B, F, H, W].

    ``channels`` of its maps are for the location itself and as many for each border, instance norm and ReLU on all.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.read = nn.Conv2d(in_channels, 5 * channels, 1, bias=False)  # a bias would not pass the norm
        self.join = nn.Conv2d(5 * channels, in_channels, 1)
        self.split = [4 * channels, channels]

    def forward(self, features: Tensor, distances: Tensor) -> Tensor:
        """``distances`` [B, H, W, 4]: (l, t, r, b) of the box of each location in cells, a constant."""
        maps = self.read(features).float().contiguous()  # a CPU's instance norm is ten times as slow in channels_last
        borders, point = torch.group_norm(maps, maps.shape[1]).relu().split(self.split, dim=1)
        said: Tensor = self.join(torch.cat([border_align(borders, distances), point], dim=1))
        return said.relu()


def border_align(maps: Tensor, distances: Tensor) -> Tensor:
    """Largest values [B, 4 * C, H, W] along the left, top, right and bottom border, C channels each; float32.

    Boxes are cut off at the outermost cells first, and points then spread over what is left, as in the released code.
    Gradients flow into ``maps`` alone, of equal points into one. Beside the inputs one byte a value is kept for them.

    Args:
        maps: [B, 4 * C, H, W], the borders' own channels one border after the other.
        distances: [B, H, W, 4], (l, t, r, b) of each location's box in cells; any number, also NaN.
    """
    with torch.autocast(maps.device.type, enabled=False):
        inside = _cut(distances.detach().float())
        offsets = offsets_to(_points(inside.device), inside)
        own = maps.float().unflatten(1, (4, -1)).flatten(0, 1)
        pooled: Tensor = _LargestOfPoints.apply(own, offsets.flatten(0, 1))
        return pooled.unflatten(0, (-1, 4)).flatten(1, 2)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # a tensor first made in inference mode could not be used in training later
def _points(device: torch.device) -> Tensor:
    return borders(POINTS).to(device)


def _cut(distances: Tensor) -> Tensor:
    """``distances`` [B, H, W, 4] whose boxes end at the map's outermost cells; of a NaN nothing is left."""
    height, width = distances.shape[1:3]
    x, y = torch.arange(width, device=distances.device), torch.arange(height, device=distances.device)
    y, x = torch.meshgrid(y, x, indexing="ij")
    reach = torch.stack([x, y, width - 1 - x, height - 1 - y], dim=-1).float()
    return distances.nan_to_num().maximum(-reach.roll(2, dims=-1)).minimum(reach)


class _LargestOfPoints(torch.autograd.Function):
    """Of the values at K points [N, K, H, W, 2] (see ``gather``) the largest; on a large map never all are held."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, offsets: Tensor) -> Tensor:
        best, winner = torch.full_like(maps, -torch.inf), torch.zeros_like(maps, dtype=torch.uint8)
        values = (gather(maps, part) for part in offsets.split(max(_BLOCK // maps.numel(), 1), dim=1))
        for number, value in enumerate(point for part in values for point in part.unbind(2)):
            winner = winner.maximum((value > best).view(torch.uint8) * number)
            best = best.maximum(value)
        ctx.save_for_backward(winner, offsets)
        return best

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        winner, offsets = ctx.saved_tensors
        chosen = winner.flatten(2).long()
        x, y = (part.flatten(2).gather(1, chosen).view_as(grad) for part in offsets.unbind(-1))
        total = grad.new_zeros(grad.shape).flatten(2)
        for cell, share in _corners(x, y, grad):
            total.scatter_add_(2, cell.flatten(2), share.flatten(2))
        return total.view(grad.shape), None


def _corners(x: Tensor, y: Tensor, value: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Four cells (int64, row by row) and their bilinear shares of ``value``, which lies ``x``, ``y`` from [..., H, W].

    The points lie inside the map.
    """
    height, width = x.shape[-2:]
    x = x + torch.arange(width, device=x.device)
    y = y + torch.arange(height, device=y.device).unsqueeze(-1)
    left, top = x.floor().clamp(0, max(width - 2, 0)), y.floor().clamp(0, max(height - 2, 0))
    cell, below = (top * width + left).long(), (y - top) * value
    for first, part in ((cell, value - below), (cell + width * (height > 1), below)):
        right = (x - left) * part
        yield first, part - right
        yield first + (width > 1), right
