"""Feature Pyramid Network (Lin et al., 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.config.schema import PyramidSource
from gfl_bench.models.group_norm import GroupNorm


class FPN(nn.Module):
    """P3 to P7 from C3 to C5; P6 is a strided convolution of P5's output or of C5, P7 of P6."""

    def __init__(self, config: schema.FPN, in_channels: list[int], levels: int) -> None:
        super().__init__()
        channels, inputs = config.channels, len(in_channels)
        self.channels = [channels] * levels
        self.relu_before_p7 = config.relu_before_p7
        self.extra_from = config.extra_from
        self.lateral = nn.ModuleList(_conv(count, config, 1) for count in in_channels)
        self.output = nn.ModuleList(_conv(channels, config, 3) for _ in in_channels)
        for level in range(inputs, levels):
            of_input = level == inputs and config.extra_from is PyramidSource.input
            source = in_channels[-1] if of_input else channels
            self.output.append(_conv(source, config, 3, stride=2))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps [B, C, H_l, W_l] of falling size -> one map [B, channels, H_l, W_l] for each level."""
        merged = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for fine in range(len(merged) - 2, -1, -1):
            size = merged[fine].shape[-2:]
            merged[fine] = merged[fine] + functional.interpolate(merged[fine + 1], size=size, mode="nearest")
        pyramid = [output(x) for output, x in zip(self.output, merged, strict=False)]
        # Small maps, so float32 costs nothing; and oneDNN's bf16 weight gradient of a strided convolution is not
        # defined on a map one column wide (seen with torch 2.15 on an AMX processor).
        with torch.autocast(pyramid[-1].device.type, enabled=False):
            coarsest = maps[-1] if self.extra_from is PyramidSource.input else pyramid[-1]
            for number, output in enumerate(self.output[len(merged) :]):
                coarsest = functional.relu(coarsest) if number > 0 and self.relu_before_p7 else coarsest
                coarsest = output(coarsest.float())
                pyramid.append(coarsest)
        return pyramid


def _conv(in_channels: int, config: schema.FPN, kernel: int, stride: int = 1) -> nn.Module:
    groups = config.norm_groups
    conv = nn.Conv2d(in_channels, config.channels, kernel, stride, padding=kernel // 2, bias=not groups)
    return nn.Sequential(conv, GroupNorm(groups, config.channels)) if groups else conv
