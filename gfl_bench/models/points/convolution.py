"""A 3 x 3 convolution whose nine kernel points lie anywhere (Dai et al., 2017)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from gfl_bench.models.points.bilinear import sum_of_points

KERNEL_POINTS = 9


class PointConvolution(nn.Module):
    """``conv`` holds the weights, as a checkpoint names them, and is never called.

    Each kernel point has its own matrix, and reading between cells is linear: so the matrices are applied to the whole
    map first, and each point is read from its own channels. This is the deformable convolution's sum, which a CPU does
    several times as fast as torchvision's operator; and a point that is not a number reads nothing rather than any
    memory, by which a training that diverges would end the process.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, features: Tensor, offsets: Tensor) -> Tensor:
        """[B, C', H, W] in the input's dtype. Beyond the map lie zeros.

        Args:
            features: [B, C, H, W].
            offsets: [B, H, W, 9, 2] float32, (dx, dy) in cells from each location to the kernel's points, row by row;
                gradients flow into them. Autocast does not touch them: bfloat16 would round where a point lies.
        """
        weight = self.conv.weight.flatten(2).permute(2, 0, 1).flatten(0, 1)
        maps = conv2d(features, weight[:, :, None, None])
        with torch.autocast(features.device.type, enabled=False):
            return sum_of_points(maps, offsets.unsqueeze(-2)).to(maps.dtype)
