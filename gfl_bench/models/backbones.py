"""ResNet (He et al., 2016) as a trunk, under torchvision's parameter names."""

from __future__ import annotations

from itertools import chain

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1

from gfl_bench.config import schema

_STAGES: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}
PUBLISHED_BASE_CHANNELS = 64


class WeightsError(ValueError):
    """Published weights that do not fit or cannot be had."""


class ResNet(nn.Module):
    """Maps C3, C4, C5 of an image, at strides 8, 16, 32.

    Stages up to ``frozen_stages`` learn nothing, and their batch norms keep the running statistics; with ``norm_eval``
    all batch norms do, while their scales and shifts in the other stages still learn.
    """

    def __init__(self, config: schema.ResNet) -> None:
        super().__init__()
        self.config = config
        block, depths = _STAGES[config.depth]
        widths = [config.base_channels * 2**stage for stage in range(4)]
        self.channels = [width * block.expansion for width in widths[1:]]  # of C3, C4, C5
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        inputs = [widths[0], *(width * block.expansion for width in widths[:3])]
        self.layer1 = _stage(block, inputs[0], widths[0], depths[0], stride=1)
        self.layer2 = _stage(block, inputs[1], widths[1], depths[1], stride=2)
        self.layer3 = _stage(block, inputs[2], widths[2], depths[2], stride=2)
        self.layer4 = _stage(block, inputs[3], widths[3], depths[3], stride=2)
        parts = [nn.ModuleList([self.conv1, self.bn1]), self.layer1, self.layer2, self.layer3, self.layer4]
        self._frozen = tuple(parts[: config.frozen_stages + 1])
        for parameter in chain.from_iterable(part.parameters() for part in self._frozen):
            parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """[B, 3, H, W] -> C3, C4, C5, sizes rounded up."""
        x = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(images)))))
        c3 = self.layer2(x)
        c4 = self.layer3(c3)
        return [c3, c4, self.layer4(c4)]

    def load_published(self) -> None:
        """Take over the ImageNet weights that the config names, if any, from torchvision's cache or its server.

        Raises:
            WeightsError: if there is no such name, the width is not the published one, or the download fails.
        """
        config = self.config
        if config.weights is None:
            return
        if config.base_channels != PUBLISHED_BASE_CHANNELS:
            raise WeightsError(
                f"backbone.weights={config.weights} are for {PUBLISHED_BASE_CHANNELS} base channels, not for "
                f"{config.base_channels}: set backbone.weights=null, or backbone.base_channels="
                f"{PUBLISHED_BASE_CHANNELS}"
            )
        state = _published_state(config)
        self.load_state_dict({name: value for name, value in state.items() if not name.startswith("fc.")})

    def train(self, mode: bool = True) -> ResNet:
        super().train(mode)
        still = [self] if self.config.norm_eval else self._frozen
        for module in chain.from_iterable(part.modules() for part in still):
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def _published_state(config: schema.ResNet) -> dict[str, Tensor]:
    """torchvision's parameters, those of its classifier included."""
    published = {weights.name: weights for weights in get_model_weights(f"resnet{config.depth}")}
    weights = published.get(str(config.weights))
    if weights is None:
        raise WeightsError(
            f"backbone.weights={config.weights} is not among torchvision's for ResNet-{config.depth}: "
            f"set one of {', '.join(published)}, or null"
        )
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"backbone.weights={config.weights} could not be loaded ({error}): put {weights.url} into "
            f"{torch.hub.get_dir()}/checkpoints, or set backbone.weights=null to train from scratch"
        ) from error


def _stage(block: type[BasicBlock] | type[Bottleneck], inputs: int, width: int, depth: int, stride: int) -> nn.Module:
    outputs = width * block.expansion
    downsample = None
    if stride != 1 or inputs != outputs:
        downsample = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    first = block(inputs, width, stride, downsample)
    return nn.Sequential(first, *(block(outputs, width) for _ in range(depth - 1)))
