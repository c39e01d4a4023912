"""VGG-16 (Simonyan and Zisserman, 2015) as SSD (Liu et al., 2016) reshapes it, under mmdetection's parameter names."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.models.backbones.published import load_published

_CONVOLUTIONS = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))  # of each stage: width in base channels, number
_MAPS = (22, 34)  # layers: the ReLU after conv4_3, and the one after fc7
_FC6 = 31  # its layer; from here on torchvision has fully connected ones


class VGG16(nn.Module):
    """Maps conv4_3, before its pooling, and fc7 of an image, both at their ReLU, at strides 8 and 16.

    fc6 is a convolution dilated by 6 and the fifth pooling keeps its input's size, so that fc7 has stride 16. Stages up
    to ``frozen_stages`` learn nothing; the sixth is fc6 and fc7.
    """

    def __init__(self, config: schema.VGG16) -> None:
        super().__init__()
        self.config = config
        self.channels = [8 * config.base_channels, 16 * config.base_channels]  # of conv4_3, fc7
        self.features = nn.Sequential(*_layers(config.base_channels))
        for parameter in (parameter for layer in self._frozen() for parameter in layer.parameters()):
            parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> conv4_3, fc7, sizes rounded up."""
        x, maps = images, []
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in _MAPS:
                maps.append(x)
        return maps

    def load_published(self) -> None:
        """Take over the ImageNet weights that the config names, if any; fc6 and fc7 keep the random ones they have.

        Raises:
            WeightsError: if there is no such name, the width is not the published one, or the download fails.
        """
        load_published(self, self.config, own=lambda name: int(name.split(".")[1]) >= _FC6)

    def _frozen(self) -> Iterator[nn.Module]:
        left = self.config.frozen_stages
        for layer in self.features:
            if left <= 0:
                return
            yield layer
            left -= isinstance(layer, nn.MaxPool2d)


def _layers(base: int) -> Iterator[nn.Module]:
    inputs = 3
    for stage, (width, depth) in enumerate(_CONVOLUTIONS):
        if stage > 0:
            yield nn.MaxPool2d(2, stride=2, ceil_mode=True)
        for _ in range(depth):
            yield from (nn.Conv2d(inputs, width * base, 3, padding=1), nn.ReLU(inplace=True))
            inputs = width * base
    yield nn.MaxPool2d(3, stride=1, padding=1)
    yield from (nn.Conv2d(inputs, 16 * base, 3, padding=6, dilation=6), nn.ReLU(inplace=True))
    yield from (nn.Conv2d(16 * base, 16 * base, 1), nn.ReLU(inplace=True))
