"""BorderAlign (Qiu et al., 2020): on each border of a box the point that answers most, channel by channel.

A cell's value stands at its own location, from which a box is counted. The released code reads half a cell further to
the bottom right: it divides pixels by the stride and leaves FCOS's half-cell offset in.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

from gfl_bench.models.guidance.locations import borders, offsets_to
from gfl_bench.models.points.largest import largest_of_points

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
        maps = self.read(features).float()
        if maps.requires_grad:
            maps = maps.contiguous()  # the gradient of a CPU's group norm is ten times as slow in channels_last
        borders, point = torch.group_norm(maps, maps.shape[1]).relu_().split(self.split, dim=1)
        said: Tensor = self.join(torch.cat([border_align(borders, distances), point], dim=1))
        return said.relu()


def border_align(maps: Tensor, distances: Tensor) -> Tensor:
    """Largest values [B, 4 * C, H, W] along the left, top, right and bottom border, C channels each; float32.

    Boxes are cut off at the outermost cells first, and points then spread over what is left, as in the released code.

    Args:
        maps: [B, 4 * C, H, W], the borders' own channels one border after the other.
        distances: [B, H, W, 4], (l, t, r, b) of each location's box in cells; any number, also NaN.
    """
    with torch.autocast(maps.device.type, enabled=False):
        inside = _cut(distances.detach().float())
        return largest_of_points(maps, offsets_to(_points(inside.device), inside))


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
