"""ShuffleNetV2 (Ma et al., 2018) as a trunk, under torchvision's parameter names, which are NanoDet's too."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.shufflenetv2 import InvertedResidual

from gfl_bench.config import schema
from gfl_bench.models.backbones.published import load_published
from gfl_bench.models.backbones.trunk import Trunk

_STEM = 24  # channels, at every width
_BLOCKS = (4, 8, 4)


class ShuffleNetV2(Trunk):
    """Maps C3, C4, C5 of an image, at strides 8, 16, 32; the activations are leaky."""

    def __init__(self, config: schema.ShuffleNetV2) -> None:
        super().__init__(config.norm_eval)
        self.config = config
        self.channels = [2 * config.base_channels * 2**stage for stage in range(3)]  # of C3, C4, C5
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, _STEM, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(_STEM), _activation(config.leak)
        )
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = [_STEM, *self.channels]
        self.stage2, self.stage3, self.stage4 = (
            _stage(inputs[number], inputs[number + 1], blocks, config.leak) for number, blocks in enumerate(_BLOCKS)
        )
        self.freeze([self.conv1, self.stage2, self.stage3, self.stage4][: config.frozen_stages + 1])

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> C3, C4, C5, sizes rounded up."""
        c3 = self.stage2(self.maxpool(self.conv1(images)))
        c4 = self.stage3(c3)
        return [c3, c4, self.stage4(c4)]

    def load_published(self) -> None:
        """Take over the ImageNet weights that the config names, if any; those of the last convolution stay behind.

        Raises:
            WeightsError: if there is no such name, the width is not a published one, or the download fails.
        """
        load_published(self, self.config, own=lambda name: False)


def _stage(inputs: int, outputs: int, blocks: int, leak: float) -> nn.Sequential:
    widths = [inputs, *[outputs] * (blocks - 1)]
    return nn.Sequential(*(
        _leaky(InvertedResidual(width, outputs, 1 if number else 2), leak) for number, width in enumerate(widths)
    ))


def _leaky(block: InvertedResidual, leak: float) -> InvertedResidual:
    """``block`` with its ReLUs replaced."""
    for branch in (block.branch1, block.branch2):
        for number, layer in enumerate(branch):
            if isinstance(layer, nn.ReLU):
                branch[number] = _activation(leak)
    return block


def _activation(leak: float) -> nn.LeakyReLU:
    return nn.LeakyReLU(leak, inplace=True)
