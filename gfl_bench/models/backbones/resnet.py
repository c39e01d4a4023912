"""ResNet (He et al., 2016), ResNeXt (Xie et al., 2017) and both with deformable convolutions as a trunk.

Parameter names are torchvision's, and mmdetection's where torchvision has none.
"""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1

from gfl_bench.config import schema
from gfl_bench.config.schema import BlockStyle
from gfl_bench.models.backbones.deformable import DeformableConv2d
from gfl_bench.models.backbones.published import load_published
from gfl_bench.models.backbones.trunk import Trunk

_BLOCKS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}


class ResNet(Trunk):
    """Maps C3, C4, C5 of an image, at strides 8, 16, 32.

    Stages up to ``frozen_stages`` learn nothing, and their batch norms keep the running statistics; with ``norm_eval``
    all batch norms do, while their scales and shifts in the other stages still learn.
    """

    def __init__(self, config: schema.ResNet) -> None:
        super().__init__(config.norm_eval)
        self.config = config
        base, expansion = config.base_channels, _BLOCKS[config.depth][0].expansion
        self.channels = [base * 2**stage * expansion for stage in (1, 2, 3)]  # of C3, C4, C5
        self.conv1 = nn.Conv2d(3, base, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(config, 1, base)
        self.layer2 = _stage(config, 2, base * expansion)
        self.layer3 = _stage(config, 3, self.channels[0])
        self.layer4 = _stage(config, 4, self.channels[1])
        parts = [nn.ModuleList([self.conv1, self.bn1]), self.layer1, self.layer2, self.layer3, self.layer4]
        self.freeze(parts[: config.frozen_stages + 1])

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> C3, C4, C5, sizes rounded up."""
        x = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(images)))))
        c3 = self.layer2(x)
        c4 = self.layer3(c3)
        return [c3, c4, self.layer4(c4)]

    def load_published(self) -> None:
        """Take over the ImageNet weights that the config names, if any; offsets of deformable ones stay as they are.

        Raises:
            WeightsError: if there is no such name, the network is not a published one, or the download fails.
        """
        load_published(self, self.config, own=lambda name: ".conv_offset." in name)


def _stage(config: schema.ResNet, number: int, inputs: int) -> nn.Sequential:
    """layer1 to layer4; in deformable ones each block's 3x3 convolution is deformable, with the stride that it has.

    torchvision scales ``width_per_group``, which is for 64 base channels, with the stage's width and rounds down; it is
    raised here where that would leave a group of layer1 without a channel.
    """
    block, depths = _BLOCKS[config.depth]
    width, stride = config.base_channels * 2 ** (number - 1), 1 if number == 1 else 2
    outputs, group_width = width * block.expansion, max(config.width_per_group, -(-64 // config.base_channels))
    downsample = None
    if stride != 1 or inputs != outputs:
        downsample = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    blocks = [block(inputs, width, stride, downsample, config.groups, group_width)]
    blocks += [block(outputs, width, 1, None, config.groups, group_width) for _ in range(depths[number - 1] - 1)]
    if config.style is BlockStyle.caffe:
        blocks[0].conv1.stride, blocks[0].conv2.stride = blocks[0].conv2.stride, blocks[0].conv1.stride
    if number in config.deformable_stages:
        for part in blocks:
            inner, stride = part.conv2.out_channels, part.conv2.stride[0]
            part.conv2 = DeformableConv2d(inner, inner, stride, config.groups, config.modulated)
    return nn.Sequential(*blocks)
