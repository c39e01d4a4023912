"""The dense head: two towers shared by all levels, and one convolution for each thing it says."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.models.guidance import Guidance
from gfl_bench.structures import HeadOutput, Logits, Probabilities


class Head(nn.Module):
    """Class logits from one tower; sides, branch and guidance from the other.

    Args:
        in_channels: of the neck's maps.
        classes: C.
        box_channels: m, numbers the box distribution has for a side.
        aux_channels: 1 with a quality branch, else 0.
        levels: maps of the neck; each has a learnt factor on the sides' numbers.
        guidance: reads a quality from the sides' numbers, or None.
    """

    def __init__(
        self, config: schema.HeadConfig, in_channels: int, classes: int, box_channels: int, aux_channels: int,
        levels: int, guidance: Guidance | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.cls_tower = _tower(config, in_channels)
        self.box_tower = _tower(config, in_channels)
        channels = config.channels if config.stacked_convs else in_channels
        self.cls = nn.Conv2d(channels, classes, 3, padding=1)
        self.box = nn.Conv2d(channels, 4 * box_channels, 3, padding=1)
        self.aux = nn.Conv2d(channels, aux_channels, 3, padding=1) if aux_channels else None
        self.scales = nn.ParameterList(nn.Parameter(torch.ones(())) for _ in range(levels))
        self.guidance = guidance

    def forward(self, maps: list[Tensor]) -> HeadOutput:
        """Maps [B, in_channels, H_l, W_l], finest first -> what is said at the P locations of all of them."""
        levels = [self._level(x, scale) for x, scale in zip(maps, self.scales, strict=True)]
        cls, box, aux, guide = (_join(parts) for parts in zip(*levels, strict=True))
        assert cls is not None and box is not None
        return HeadOutput(
            Logits(cls), box.unflatten(-1, (4, -1)),
            None if aux is None else Logits(aux), None if guide is None else Probabilities(guide),
        )  # fmt: skip

    def _level(self, x: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        features = self.box_tower(x)
        box = _locations_last(self.box(features)).float() * scale
        aux = None if self.aux is None else _locations_last(self.aux(features))
        guide = None if self.guidance is None else self.guidance(box.unflatten(-1, (4, -1)), features)
        return _locations_last(self.cls(self.cls_tower(x))), box, aux, guide


class _GroupNorm(nn.GroupNorm):
    """Takes a group of one value, as P7 of one small image may have, which torch's module refuses: it becomes 0."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)


def _tower(config: schema.HeadConfig, in_channels: int) -> nn.Sequential:
    inputs = [in_channels, *[config.channels] * config.stacked_convs]
    return nn.Sequential(*(_conv_norm_relu(count, config) for count in inputs[: config.stacked_convs]))


def _conv_norm_relu(in_channels: int, config: schema.HeadConfig) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, config.channels, 3, padding=1, bias=False)
    norm = _GroupNorm(config.norm_groups, config.channels)
    return nn.Sequential(OrderedDict(conv=conv, norm=norm, relu=nn.ReLU(inplace=True)))


def _locations_last(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, H, W, C], without a copy where the memory is channels_last."""
    return x.permute(0, 2, 3, 1)


def _join(levels: tuple[Tensor | None, ...]) -> Tensor | None:
    """[B, H_l, W_l, C] of each level -> [B, P, C] float32; None where the levels have none."""
    found = [level.flatten(1, 2) for level in levels if level is not None]
    return torch.cat(found, dim=1).float() if found else None
