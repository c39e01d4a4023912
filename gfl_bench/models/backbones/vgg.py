"""VGG-16 (Simonyan and Zisserman, 2015) as SSD (Liu et al., 2016) reshapes it, under mmdetection's parameter names."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.models.backbones.published import load_published
from gfl_bench.models.backbones.trunk import Trunk

_CONVOLUTIONS = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # of each stage: width in base channels, number
_CONV4_3, _FC6, _FC7 = 10, 14, 15  # which of the convolutions; from fc6 on torchvision has fully connected layers


class VGG16(Trunk):
    """Maps conv4_3, before its pooling, and fc7 of an image, both at their ReLU, at strides 8 and 16.

    fc6 is a convolution dilated by 6 and the fifth pooling keeps its input's size, so that fc7 has stride 16. Stages up
    to ``frozen_stages`` learn nothing; the sixth is fc6 and fc7.
    """

    def __init__(self, config: schema.VGG16) -> None:
        super().__init__(config.norm_eval)
        self.config = config
        self.channels = [8 * config.base_channels, 16 * config.base_channels]  # of conv4_3, fc7
        self.features = nn.Sequential(*_layers(config.base_channels, config.batch_norm))
        relus = [number for number, layer in enumerate(self.features) if isinstance(layer, nn.ReLU)]
        self._maps = {relus[_CONV4_3 - 1], relus[_FC7 - 1]}
        self._own = relus[_FC6 - 2] + 2  # behind the pooling that follows the thirteenth
        self.freeze(self._first(config.frozen_stages))

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> conv4_3, fc7, sizes rounded up."""
        x, maps = images, []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self._maps:
                maps.append(x)
        return maps

    def load_published(self) -> None:
        """Take over the ImageNet weights that the config names, if any; fc6 and fc7 keep the random ones they have.

        Raises:
            WeightsError: if there is no such name, the width is not the published one, or the download fails.
        """
        load_published(self, self.config, own=lambda name: int(name.split(".")[1]) >= self._own)

    def _first(self, stages: int) -> Iterator[nn.Module]:
        for layer in self.features:
            if stages <= 0:
                return
            yield layer
            stages -= isinstance(layer, nn.MaxPool2d)


def _layers(base: int, batch_norm: bool) -> Iterator[nn.Module]:
    inputs = 3
    for stage, (width, depth) in enumerate(_CONVOLUTIONS):
        if stage > 0:
            yield nn.MaxPool2d(2, stride=2, ceil_mode=True)
        for _ in range(depth):
            yield from _convolution(nn.Conv2d(inputs, width * base, 3, padding=1), batch_norm)
            inputs = width * base
    yield nn.MaxPool2d(3, stride=1, padding=1)
    yield from _convolution(nn.Conv2d(inputs, 16 * base, 3, padding=6, dilation=6), batch_norm)
    yield from _convolution(nn.Conv2d(16 * base, 16 * base, 1), batch_norm)


def _convolution(conv: nn.Conv2d, batch_norm: bool) -> Iterator[nn.Module]:
    yield conv
    if batch_norm:
        yield nn.BatchNorm2d(conv.out_channels)
    yield nn.ReLU(inplace=True)
