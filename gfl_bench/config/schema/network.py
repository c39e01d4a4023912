"""Where features come from: ``backbone=`` and ``neck=``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING

from gfl_bench.config.schema.detector import PyramidSource


class BlockStyle(Enum):
    """Which convolution of a stage's first bottleneck block has the stride."""

    pytorch = "pytorch"  # the 3x3 one: torchvision
    caffe = "caffe"  # the 1x1 one before it: He et al. (2016), and detectors that began from their weights


@dataclass
class BackboneConfig:
    name: str = MISSING


@dataclass
class ResNet(BackboneConfig):
    name: str = "resnet"
    depth: int = 50  # 18, 34, 50, 101
    base_channels: int = 64  # channels of the stem and of the first stage; 64 is the published width
    weights: str | None = "IMAGENET1K_V1"  # torchvision's name, or null for random weights
    frozen_stages: int = 1  # -1 nothing, 0 the stem, 1 the stem and layer1, ...
    norm_eval: bool = True  # batch norm keeps its running statistics in training
    groups: int = 1  # of the 3x3 convolutions; 32 in ResNeXt
    width_per_group: int = 64  # their channels in layer1, for 64 base channels: 8 in ResNeXt-101-32x8d
    deformable_stages: list[int] = field(default_factory=list)  # 2 is layer2 (C3), 3 is layer3 (C4), 4 is layer4 (C5)
    modulated: bool = True  # deformable convolutions weigh their points (DCNv2), as the paper's; mmdetection's do not
    style: BlockStyle = BlockStyle.pytorch


@dataclass
class VGG16(BackboneConfig):
    """The maps conv4_3 and fc7, for SSD."""

    name: str = "vgg16"
    base_channels: int = 64  # channels of the first two convolutions; 64 is the published width
    weights: str | None = "IMAGENET1K_V1"  # torchvision's for the 13 convolutions, fc6 and fc7 stay random; or null
    frozen_stages: int = -1  # -1 or 0 nothing, 1 what comes before the first pooling, 2 before the second, ...
    batch_norm: bool = False  # after each convolution, as in torchvision's vgg16_bn; SSD's has none
    norm_eval: bool = False  # batch norm keeps its running statistics in training


@dataclass
class ShuffleNetV2(BackboneConfig):
    """ShuffleNetV2, whose stem has 24 channels at every width."""

    name: str = "shufflenet_v2"
    base_channels: int = 58  # half of C3's; published are 24 (0.5x), 58 (1x), 88 (1.5x) and 122 (2x)
    weights: str | None = "IMAGENET1K_V1"  # torchvision's name, or null for random weights
    frozen_stages: int = -1  # -1 nothing, 0 the stem, 1 the stem and stage2 (C3), ...
    norm_eval: bool = False  # batch norm keeps its running statistics in training
    leak: float = 0.1  # slope of the activations below 0, NanoDet's; torchvision's have none


@dataclass
class NeckConfig:
    name: str = MISSING


@dataclass
class FPN(NeckConfig):
    name: str = "fpn"
    channels: int = 256
    extra_from: PyramidSource = PyramidSource.output  # what P6 is computed from; the detector's wish by default
    relu_before_p7: bool = False  # the same
    norm_groups: int = 0  # of a group norm behind each convolution; 0: there is none; the same


@dataclass
class PAN(NeckConfig):
    """P3 to P5, merged downwards and upwards again by interpolation alone."""

    name: str = "pan"
    channels: int = 96
