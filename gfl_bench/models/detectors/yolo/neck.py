"""What both small YOLOs make of their trunk's two maps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.models.backbones.darknet import ConvNorm
from gfl_bench.models.backbones.trunk import Trunk


class YOLONeck(Trunk):
    """The coarse map squeezed; of it one level at stride 32, and, enlarged beside the fine map, one at stride 16."""

    def __init__(self, config: schema.YOLONeck, in_channels: list[int], levels: int) -> None:
        super().__init__(config.norm_eval)
        fine, coarse = in_channels
        channels = config.channels
        self.channels = [channels, 2 * channels][:levels]
        self.squeeze = ConvNorm(coarse, channels, kernel=1)
        self.coarse = ConvNorm(channels, 2 * channels)
        self.lateral = ConvNorm(channels, channels // 2, kernel=1)
        self.fine = ConvNorm(channels // 2 + fine, channels)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps at strides 16 and 32 -> [B, channels, H, W] and [B, 2 channels, H / 2, W / 2]."""
        fine, coarse = maps
        squeezed = self.squeeze(coarse)
        enlarged = functional.interpolate(self.lateral(squeezed), size=fine.shape[-2:], mode="nearest")
        return [self.fine(torch.cat([enlarged, fine], dim=1)), self.coarse(squeezed)]
