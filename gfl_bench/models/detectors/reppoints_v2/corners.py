"""Where the corners of boxes are: heatmaps, and the place within a cell (RepPoints V2; Law and Deng, 2018)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.config.schema import Norm
from gfl_bench.models.group_norm import GroupNorm
from gfl_bench.models.heads import tower
from gfl_bench.structures import Logits, Priors

CHANNELS = 6  # two heatmaps' logits, then (x, y) of the top left corner within its cell and of the bottom right one
_WINDOW = ((0, 0), (0, 1), (1, 0), (1, 1))  # (row, column) of the cells around a corner


@dataclass
class CornerMaps:
    """What is said of corners at every prior; the first B images are of top left ones, then B of bottom right ones."""

    score: Logits  # [2 * B, P]
    offset: Tensor  # [2 * B, P, 2] (x, y) from the prior in strides


def corner_maps(said: Tensor) -> CornerMaps:
    """[B, P, ``CHANNELS``] -> its parts."""
    score, offset = said.split([2, CHANNELS - 2], dim=-1)
    return CornerMaps(
        Logits(score.permute(2, 0, 1).flatten(0, 1)), offset.unflatten(-1, (2, 2)).permute(2, 0, 1, 3).flatten(0, 1)
    )


class Corners(nn.Module):
    """Features to the logits of both heatmaps and the offsets of both corners."""

    def __init__(self, config: schema.PointsHeadConfig, channels: int) -> None:
        super().__init__()
        self.top_left = _Corner(config, channels, inwards=True)
        self.bottom_right = _Corner(config, channels, inwards=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, F, H, W] -> [B, ``CHANNELS``, H, W]."""
        (one, one_offset), (other, other_offset) = self.top_left(x), self.bottom_right(x)
        return torch.cat([one, other, one_offset, other_offset], dim=1)


class _Corner(nn.Module):
    """One kind of corner, as CornerNet has it: pooled along its box's two sides, beside what the corner itself shows.

    Args:
        inwards: the box lies below and to the right of the corner, else above and to the left.
    """

    def __init__(self, config: schema.PointsHeadConfig, channels: int, inwards: bool) -> None:
        super().__init__()
        narrow = replace(config, stacked_convs=1, channels=config.corner_channels)
        self.inwards = inwards
        self.along_column, self.along_row = tower(narrow, channels), tower(narrow, channels)
        self.pooled = conv_norm(config, config.corner_channels, channels, 3)
        self.itself = conv_norm(config, channels, channels, 1)
        self.joined = conv_norm(config, channels, channels, 1)
        self.score = nn.Conv2d(channels, 1, 3, padding=1)
        self.offset = nn.Conv2d(channels, 2, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        column, row = pool(self.along_column(x), 2, self.inwards), pool(self.along_row(x), 3, self.inwards)
        features = self.joined((self.pooled(column + row) + self.itself(x)).relu()).relu()
        return self.score(features), self.offset(features)


def pool(x: Tensor, dim: int, backwards: bool) -> Tensor:
    """Corner pooling (Law and Deng, 2018): the largest value so far along ``dim``, from its end or from its start."""
    return x.flip(dim).cummax(dim).values.flip(dim) if backwards else x.cummax(dim).values


def conv_norm(config: schema.HeadConfig, inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """A convolution and a norm if any, without ReLU."""
    grouped = config.norm is Norm.group
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=config.conv_bias or not grouped)
    parts = OrderedDict[str, nn.Module](conv=conv)
    if grouped:
        parts["norm"] = GroupNorm(config.norm_groups, outputs)
    return nn.Sequential(parts)


def to_peaks(boxes: Tensor, maps: CornerMaps, image: Tensor, priors: Priors) -> Tensor:
    """Joint inference of RepPoints V2: each corner to the best of the four cells around it, and its place therein.

    Boxes of the second and third level ask the finest heatmap, those of coarser levels the second one, those of the
    finest level stay.

    Args:
        boxes: [K, 4] pixels.
        image: [K] int64, which image of the batch each lies in.
        priors: [K], whose boxes they are.
    """
    sizes = torch.tensor(priors.level_sizes, device=boxes.device)
    level = ((priors.level - 1) // 2).clamp(min=0, max=min(1, len(sizes) - 1))
    first = (sizes.prod(dim=1).cumsum(0) - sizes.prod(dim=1))[level]
    stride = priors.stride / 2.0 ** (priors.level - level)
    height, width = sizes[level].T
    limit = torch.stack([width, height], dim=1)[:, None] - 1  # [K, 1, 2]
    corner = boxes.unflatten(1, (2, 2)) / stride[:, None, None]
    cell = corner.floor().long().clamp(min=0).minimum((limit - 1).clamp(min=0))
    window = (cell[:, :, None] + torch.tensor(_WINDOW, device=boxes.device).flip(1)).minimum(limit[:, None])
    images, count = maps.score.shape
    owner = image[:, None] + torch.arange(2, device=image.device) * (images // 2)
    slot = (owner * count + first[:, None])[..., None] + window[..., 1] * width[:, None, None] + window[..., 0]
    best = maps.score.flatten()[slot].argmax(dim=-1, keepdim=True)
    peak = window.gather(2, best[..., None].expand(-1, -1, -1, 2)).squeeze(2)
    place = maps.offset.flatten(0, 1)[slot.gather(2, best).squeeze(2)]
    moved = ((peak + place) * stride[:, None, None]).flatten(1)
    return torch.where((priors.level > 0)[:, None], moved, boxes)
