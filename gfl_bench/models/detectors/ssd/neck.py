"""SSD's maps (Liu et al., 2016, Fig. 2): the backbone's, and one after the other half as large."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfl_bench.config import schema

_WIDTH = 512  # channels that the published length is for
_EPS = 1e-10  # shortest vector that is normalised
_LAST_KERNEL = 4  # of the coarsest map, as SSD512 has it


class SSDNeck(nn.Module):
    """The backbone's maps, the finest L2-normalised, then maps of two convolutions each: 1 x 1, and 3 x 3 of stride 2.

    The last convolution is 4 x 4, and its map is made even by zeros first: of 2 x 2 cells it gives the published one,
    and of any image a map of the image's size over the stride, rounded up, as on all other levels.
    """

    def __init__(self, config: schema.SSDNeck, in_channels: list[int], levels: int) -> None:
        super().__init__()
        extra = [2 * config.channels] + [config.channels] * levels
        self.channels = [*in_channels, *extra][:levels]
        self.l2_norm = L2Norm(in_channels[0], config.norm_scale * (in_channels[0] / _WIDTH) ** 0.5)
        coarser = list(pairwise(self.channels[len(in_channels) - 1 :]))
        kernels = [3] * (len(coarser) - 1) + [_LAST_KERNEL]
        self.extra = nn.ModuleList(_halving(*pair, kernel) for pair, kernel in zip(coarser, kernels, strict=False))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps [B, C_l, H_l, W_l] of falling size -> one map [B, channels[l], H_l, W_l] for each level."""
        levels = [self.l2_norm(maps[0]), *maps[1:]]
        # float32 for the reason that FPN names
        with torch.autocast(maps[0].device.type, enabled=False):
            coarsest = maps[-1].float()
            for number, extra in enumerate(self.extra, start=1):
                coarsest = extra(_even(coarsest) if number == len(self.extra) else coarsest)
                levels.append(coarsest)
        return levels


class L2Norm(nn.Module):
    """Vectors of length 1, times a learnt factor a channel (ParseNet, Liu et al., 2016); always float32."""

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(x.float(), dim=1, eps=_EPS) * self.weight[:, None, None]


def _halving(in_channels: int, channels: int, kernel: int) -> nn.Sequential:
    half = channels // 2
    return nn.Sequential(
        _conv_relu(nn.Conv2d(in_channels, half, 1)), _conv_relu(nn.Conv2d(half, channels, kernel, stride=2, padding=1))
    )


def _conv_relu(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(OrderedDict(conv=conv, relu=nn.ReLU(inplace=True)))


def _even(x: Tensor) -> Tensor:
    return functional.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
