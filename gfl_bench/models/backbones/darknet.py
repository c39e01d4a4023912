"""The trunks of yolov3-tiny.cfg and yolov4-tiny.cfg, their layers in the order of darknet's .weights files."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.models.backbones.trunk import Trunk

_SLOPE = 0.1  # of darknet's leaky ReLU where negative


class ConvNorm(nn.Sequential):
    """A convolution, batch norm and leaky ReLU: darknet's [convolutional] with batch_normalize=1, activation=leaky."""

    conv: nn.Conv2d
    norm: nn.BatchNorm2d

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        relu = nn.LeakyReLU(_SLOPE, inplace=True)
        super().__init__(OrderedDict(conv=conv, norm=nn.BatchNorm2d(outputs), relu=relu))


class DarknetTrunk(Trunk):
    """Two maps of an image, at strides 16 and 32, of 4 and ``coarse`` times the base channels."""

    def __init__(self, config: schema.DarknetBackbone, coarse: int) -> None:
        super().__init__(config.norm_eval)
        self.channels = [4 * config.base_channels, coarse * config.base_channels]

    def load_published(self) -> None:
        """Nothing: torchvision has no weights of it; a .weights file holds those of a whole detector."""


class DarknetTiny(DarknetTrunk):
    """Seven 3 x 3 convolutions, each of the first six followed by max pooling."""

    def __init__(self, config: schema.DarknetTiny) -> None:
        super().__init__(config, coarse=16)
        base = config.base_channels
        widths = [3, base // 4, base // 2, base, 2 * base, 4 * base, 8 * base, 16 * base]
        self.convs = nn.ModuleList(ConvNorm(*pair) for pair in pairwise(widths))

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> the fifth convolution's map and the last one's, sizes rounded up."""
        x = images
        for conv in self.convs[:4]:
            x = _halve(conv(x))
        fine: Tensor = self.convs[4](x)
        x = self.convs[5](_halve(fine))
        # Pooling of stride 1: a repeated last row and column leave the maximum what darknet's padding leaves it.
        x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1), mode="replicate"), 2, stride=1)
        return [fine, self.convs[6](x)]


class CSPDarknetTiny(DarknetTrunk):
    """Two strided convolutions, three cross-stage partial blocks (Wang et al., 2020) and one more convolution."""

    def __init__(self, config: schema.CSPDarknetTiny) -> None:
        super().__init__(config, coarse=8)
        base = config.base_channels
        self.stem = nn.Sequential(ConvNorm(3, base // 2, stride=2), ConvNorm(base // 2, base, stride=2))
        self.blocks = nn.ModuleList(PartialBlock(width * base) for width in (1, 2, 4))
        self.last = ConvNorm(8 * base, 8 * base)

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> what the third block's pointwise convolution says, and the last map, sizes rounded up."""
        x, fine = self.stem(images), images
        for block in self.blocks:
            x, fine = block(x)
            x = _halve(x)
        return [fine, self.last(x)]


class PartialBlock(nn.Module):
    """A convolution whose second half of channels takes a way of its own; all that there was is joined to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.whole = ConvNorm(channels, channels)
        self.first, self.second = ConvNorm(half, half), ConvNorm(half, half)
        self.merge = ConvNorm(channels, channels, kernel=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> [B, 2 C, H, W], and of it the last C channels."""
        whole = self.whole(x)
        first = self.first(whole.chunk(2, dim=1)[1])
        merged: Tensor = self.merge(torch.cat([self.second(first), first], dim=1))
        return torch.cat([whole, merged], dim=1), merged


def _halve(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, stride=2, ceil_mode=True)
