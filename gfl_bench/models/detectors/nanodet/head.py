"""NanoDet's head: on each map one depthwise tower, which class and box share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn

from gfl_bench.config.schema import Tower
from gfl_bench.models.heads import Head
from gfl_bench.models.level_heads import LevelHeads


class SharedTower(Head):
    """One level: all that is said is read from one tower, by 1 x 1 convolutions."""

    kernel = 1

    def _add_towers(self, config: Any, in_channels: int) -> None:
        widths = [in_channels, *[config.channels] * config.stacked_convs]
        self.tower = nn.Sequential(
            *(separable(width, config.channels, config.leak) for width in widths[: config.stacked_convs])
        )

    def _features(self, x: Tensor) -> dict[Tower, Tensor]:
        return dict.fromkeys(Tower, self.tower(x))


class NanoDetHead(LevelHeads):
    """A tower for each level: batch norm cannot be shared by levels, whose statistics differ."""

    each = SharedTower


def separable(inputs: int, outputs: int, leak: float) -> nn.Sequential:
    """A 3 x 3 convolution of each channel and a 1 x 1 of all, both with batch norm and leaky ReLU."""
    return nn.Sequential(OrderedDict[str, nn.Module](
        depthwise=nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        dwnorm=nn.BatchNorm2d(inputs), dwact=nn.LeakyReLU(leak, inplace=True),
        pointwise=nn.Conv2d(inputs, outputs, 1, bias=False),
        pwnorm=nn.BatchNorm2d(outputs), pwact=nn.LeakyReLU(leak, inplace=True),
    ))  # fmt: skip
