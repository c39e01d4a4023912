"""The dense head: two towers shared by all levels, and one convolution for each thing it says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.config.schema import Norm, Tower
from gfl_bench.models.group_norm import GroupNorm
from gfl_bench.models.guidance import DistributionGuidance, Guidance, SampledGuidance
from gfl_bench.structures import HeadOutput, Logits, Probabilities

Said = tuple[Tensor | None, ...]


@dataclass
class HeadShape:
    """How many numbers a head says, and of how many maps."""

    in_channels: list[int]  # of each of the neck's maps
    classes: int  # numbers a prior for its class: C, or C + 1 with background
    box_channels: int  # m, numbers the box distribution has for a side
    aux_channels: int  # 1 with a quality branch, else 0
    priors: list[int]  # A, of a cell of each level


class Head(nn.Module):
    """Class logits from one tower; sides, branch and guidance from the other; the same for every level.

    A head that says more has an ``output`` with more fields, and gives them in ``_level``.

    Args:
        guidance: reads a quality from the sides' numbers and the features around, or None.
        distances: from the sides' numbers [..., 4, m] to (l, t, r, b) [..., 4] in strides.
    """

    output: Callable[..., HeadOutput] = HeadOutput
    kernel = 3  # of the convolutions that say something

    def __init__(
        self, config: schema.HeadConfig, shape: HeadShape, guidance: Guidance | None,
        distances: Callable[[Tensor], Tensor],
    ) -> None:  # fmt: skip
        super().__init__()
        in_channels, priors = shape.in_channels[0], shape.priors[0]
        self._add_towers(config, in_channels)
        channels = config.channels if config.stacked_convs else in_channels
        self.cls = self._saying(channels, priors * shape.classes)
        self.box = self._saying(channels, priors * 4 * shape.box_channels)
        self.aux = self._saying(channels, priors) if shape.aux_channels else None
        self.aux_tower = config.aux_tower
        levels = len(shape.priors) if config.level_scales else 0
        self.scales = nn.ParameterList(nn.Parameter(torch.ones(())) for _ in range(levels))
        self.shape, self.guidance, self.distances = shape, guidance, distances

    def _add_towers(self, config: schema.HeadConfig, in_channels: int) -> None:
        self.cls_tower = tower(config, in_channels)
        self.box_tower = tower(config, in_channels)

    def _saying(self, channels: int, numbers: int) -> nn.Conv2d:
        return nn.Conv2d(channels, numbers, self.kernel, padding=self.kernel // 2)

    def forward(self, maps: list[Tensor]) -> HeadOutput:
        """Maps [B, in_channels, H_l, W_l], finest first -> what is said at the P priors of all of them."""
        levels = [self._level(x, number) for number, x in enumerate(maps)]
        cls, box, aux, guide, *further = (self._join(parts) for parts in zip(*levels, strict=True))
        assert cls is not None and box is not None
        sides = box.unflatten(-1, (4, -1))
        if isinstance(self.guidance, DistributionGuidance):  # once for all levels, not a dozen small steps for each
            guide = self.guidance(sides)
        return self.output(
            Logits(cls), sides, None if aux is None else Logits(aux),
            None if guide is None else Probabilities(guide), *further,
        )  # fmt: skip

    def _level(self, x: Tensor, level: int) -> Said:
        """[B, H, W, .] of one map, in the order of ``output``'s fields."""
        return self._say(self._features(x), level)

    def _features(self, x: Tensor) -> dict[Tower, Tensor]:
        return {Tower.cls: self.cls_tower(x), Tower.box: self.box_tower(x)}

    def _say(self, features: dict[Tower, Tensor], level: int) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """What ``HeadOutput`` holds, each from its tower's features [B, F, H, W]."""
        box = self._scaled(locations_last(self.box(features[Tower.box])).float(), level)
        aux = None if self.aux is None else locations_last(self.aux(features[self.aux_tower]))
        return locations_last(self.cls(features[Tower.cls])), box, aux, self._guide(box, features[Tower.box])

    def _scaled(self, sides: Tensor, level: int) -> Tensor:
        return sides * self.scales[level] if len(self.scales) else sides

    def _guide(self, box: Tensor, features: Tensor) -> Tensor | None:
        """[B, H, W, 1] of one map, from a guidance that looks around the one box of each location."""
        if not isinstance(self.guidance, SampledGuidance):
            return None
        guide: Tensor = self.guidance(features, self.locate(box.unflatten(-1, (4, -1))))
        return guide

    @torch.no_grad()
    def locate(self, raw: Tensor) -> Tensor:
        """(l, t, r, b) [..., 4] in strides, float32, of the box that ``raw`` [..., 4, m] says."""
        with torch.autocast(raw.device.type, enabled=False):
            return self.distances(raw)

    def _join(self, levels: tuple[Tensor | None, ...]) -> Tensor | None:
        """[B, H_l, W_l, A * C] of each level -> [B, P, C] float32; None where the levels have none."""
        found = [level.unflatten(-1, (self.shape.priors[0], -1)).flatten(1, 3) for level in levels if level is not None]
        return torch.cat(found, dim=1).float() if found else None


def tower(config: schema.HeadConfig, in_channels: int) -> nn.Sequential:
    """``stacked_convs`` times a 3 x 3 convolution, a norm if any, and ReLU."""
    inputs = [in_channels, *[config.channels] * config.stacked_convs]
    return nn.Sequential(*(_conv_norm_relu(count, config) for count in inputs[: config.stacked_convs]))


def _conv_norm_relu(in_channels: int, config: schema.HeadConfig) -> nn.Sequential:
    bias = config.conv_bias or config.norm is Norm.none
    parts = OrderedDict[str, nn.Module](conv=nn.Conv2d(in_channels, config.channels, 3, padding=1, bias=bias))
    if config.norm is Norm.group:
        parts["norm"] = GroupNorm(config.norm_groups, config.channels)
    return nn.Sequential(OrderedDict(parts, relu=nn.ReLU(inplace=True)))


def locations_last(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, H, W, C], without a copy where the memory is channels_last."""
    return x.permute(0, 2, 3, 1)
