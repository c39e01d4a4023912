"""Deformable convolution (Dai et al., 2017) and its modulated form (Zhu et al., 2019), under mmcv's parameter names."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import conv_flop_count, register_flop_formula
from torchvision.ops import deform_conv2d

_POINTS = 9  # of a 3x3 kernel


class DeformableConv2d(nn.Conv2d):
    """A 3x3 convolution whose kernel points move, and count more or less if ``modulated``, as its input says.

    At each output position ``conv_offset`` gives the offsets of the nine kernel points, (y, x) of the first, (y, x) of
    the second, ..., in pixels of the input, and if modulated nine logits of the points' weights. It begins at zero: no
    point moves, and all weights are 0.5, so that a modulated convolution begins with half of what the plain one would
    give. mmcv's does so too.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, groups: int = 1, modulated: bool = True) -> None:
        super().__init__(inputs, outputs, 3, stride=stride, padding=1, groups=groups, bias=False)
        self.modulated = modulated
        self.conv_offset = nn.Conv2d(inputs, 3 * _POINTS if modulated else 2 * _POINTS, 3, stride=stride, padding=1)
        for parameter in self.conv_offset.parameters():
            nn.init.zeros_(parameter)

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H', W'] in the input's dtype.

        Autocast stays out: the operator has no rule for it on every device, and bfloat16 would round an offset of four
        pixels to 1/32. An offset that is not a number is read as 0, since torchvision's operator would crash on it on a
        CPU; what diverged so is not hidden, for ``x`` is not finite either.
        """
        with torch.autocast(input.device.type, enabled=False):
            x = input.to(self.weight.dtype)
            offset, logits = self.conv_offset(x).tensor_split([2 * _POINTS], dim=1)
            mask = logits.sigmoid() if self.modulated else None
            offset = offset.nan_to_num(0.0, 0.0, 0.0)
            y: Tensor = deform_conv2d(x, offset, self.weight, stride=self.stride, padding=self.padding, mask=mask)
        return y.to(input.dtype)


@register_flop_formula(torch.ops.torchvision.deform_conv2d)  # torch counts its own convolutions only
def _operations(x: list[int], weight: list[int], *rest: Any, out_shape: list[int], **options: Any) -> int:
    return int(conv_flop_count(x, weight, out_shape))
