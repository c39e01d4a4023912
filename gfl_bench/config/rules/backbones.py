"""Which backbones can be built, and which of them have published weights."""

from __future__ import annotations

from collections.abc import Iterator

from gfl_bench.config.schema import PAN, VGG16, BlockStyle, Config, Pixels, ResNet, ShuffleNetV2

TorchvisionBackbone = ResNet | VGG16 | ShuffleNetV2
_BASE_CHANNELS = 64  # of all published weights but ShuffleNetV2's
_SHUFFLENETS = {24: "0_5", 58: "1_0", 88: "1_5", 122: "2_0"}  # by base channels
_DEPTHS = {"basic": (18, 34), "bottleneck": (50, 101)}
_OF_CENTRED = ("IMAGENET1K_FEATURES",)  # torchvision's of VGG-16's authors
_PUBLISHED = {
    "resnet18", "resnet34", "resnet50", "resnet101", "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "vgg16",
    "vgg16_bn",
}  # fmt: skip


def architecture(backbone: TorchvisionBackbone) -> str:
    """torchvision's name, or what it would be; deformable stages do not change it, base channels ShuffleNetV2's alone.

    Of ShuffleNetV2 the published widths have one.
    """
    if isinstance(backbone, VGG16):
        return "vgg16_bn" if backbone.batch_norm else "vgg16"
    if isinstance(backbone, ShuffleNetV2):
        return f"shufflenet_v2_x{_SHUFFLENETS[backbone.base_channels]}"
    if (backbone.groups, backbone.width_per_group) == (1, 64):
        return f"resnet{backbone.depth}"
    return f"resnext{backbone.depth}_{backbone.groups}x{backbone.width_per_group}d"


def backbone_exists(config: Config) -> Iterator[str]:
    backbone = config.backbone
    if isinstance(backbone, ResNet):
        yield from _blocks_exist(backbone)
        yield from _stages_can_deform(backbone)
    if isinstance(backbone, VGG16) and backbone.norm_eval and not backbone.batch_norm:
        yield "backbone.norm_eval=true changes nothing without backbone.batch_norm=true: set it, or leave this out"
    if isinstance(backbone, TorchvisionBackbone):
        yield from weights_conflicts(backbone)
        if backbone.weights in _OF_CENTRED and config.data.pixels is not Pixels.centred:
            yield (f"backbone.weights={backbone.weights} were trained on data.pixels=centred, but data.pixels="
                   f"{config.data.pixels.value}: set data.pixels=centred (data=coco_ssd has it), or backbone=vgg16")


def neck_has_its_maps(config: Config) -> Iterator[str]:
    """PAN makes one level of each of the backbone's maps."""
    levels, maps = len(config.detector.prior.strides), 2 if isinstance(config.backbone, VGG16) else 3
    if isinstance(config.neck, PAN) and levels != maps:
        other = "detector=nanodet" if levels > maps == 3 else "backbone=shufflenet_v2"
        yield (f"neck=pan makes {maps} levels of backbone={config.backbone.name}, but detector={config.detector.name} "
               f"wants {levels}: set neck=fpn, or {other}")


def weights_conflicts(backbone: TorchvisionBackbone) -> Iterator[str]:
    """Why the published weights that ``backbone`` names, if any, cannot be its own."""
    if backbone.weights is None:
        return
    published = tuple(_SHUFFLENETS) if isinstance(backbone, ShuffleNetV2) else (_BASE_CHANNELS,)
    if backbone.base_channels not in published:
        listed = " or ".join(map(str, published))
        yield (f"backbone.weights={backbone.weights} were published for {listed} channels, but "
               f"backbone.base_channels={backbone.base_channels}: set backbone.weights=null, or base_channels="
               f"{listed}")
    if isinstance(backbone, ResNet) and backbone.style is BlockStyle.caffe:
        yield (f"backbone.weights={backbone.weights} are torchvision's, whose strides are in the 3x3 convolutions, but "
               "backbone.style=caffe: set backbone.weights=null (a published detector brings its own, with "
               "checkpoint=FILE), or style=pytorch")
    if not isinstance(backbone, ShuffleNetV2) and architecture(backbone) not in _PUBLISHED:
        yield (f"backbone.weights={backbone.weights} were not published by torchvision for {architecture(backbone)}: "
               "set backbone.weights=null (a published detector brings its own, with checkpoint=FILE), or choose "
               "backbone=resnext101_32x8d")


def _blocks_exist(backbone: ResNet) -> Iterator[str]:
    if backbone.depth not in _DEPTHS["basic"] + _DEPTHS["bottleneck"]:
        yield f"backbone.depth={backbone.depth} is not a ResNet here: set 18, 34, 50 or 101"
    if backbone.groups < 1 or backbone.width_per_group < 1:
        yield (f"backbone.groups={backbone.groups} and width_per_group={backbone.width_per_group} must be at least 1: "
               "a plain ResNet has groups=1 and width_per_group=64")
    if backbone.depth in _DEPTHS["basic"] and (backbone.groups, backbone.width_per_group) != (1, 64):
        yield (f"backbone.groups and width_per_group are for the bottleneck blocks of depth 50 and 101, but "
               f"backbone.depth={backbone.depth}: leave them out, or set depth=50 or 101")
    if backbone.depth in _DEPTHS["basic"] and backbone.style is BlockStyle.caffe:
        yield (f"backbone.style=caffe is of bottleneck blocks, but backbone.depth={backbone.depth} has none: leave it "
               "out, or set depth=50 or 101")


def _stages_can_deform(backbone: ResNet) -> Iterator[str]:
    stages = backbone.deformable_stages
    if not set(stages) <= {2, 3, 4}:
        yield f"backbone.deformable_stages={stages} must be among 2, 3 and 4, which give C3, C4 and C5"
    if stages and backbone.depth in _DEPTHS["basic"]:
        yield (f"backbone.deformable_stages={stages} have their deformable convolution in bottleneck blocks, but "
               f"backbone.depth={backbone.depth} has none: set deformable_stages=[], or depth=50 or 101")
    if not stages and not backbone.modulated:
        yield "backbone.modulated=false changes nothing without backbone.deformable_stages: leave it out, or name some"
