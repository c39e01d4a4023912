"""The star-shaped convolution of VFNet (Zhang et al., 2021; Section 3.3): its points lie on the predicted box."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import deform_conv2d


class StarConvolution(nn.Module):
    """A 3 x 3 convolution stretched over a box: corners, points of the borders beside the location, and its middle.

    ``conv`` holds the weights and is never called.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, features: Tensor, ltrb: Tensor) -> Tensor:
        """[B, F, H, W] in the dtype of ``features``. Bilinear between cells; beyond the map lie zeros.

        Autocast stays out: bfloat16 would round where a point lies.

        Args:
            features: [B, F, H, W].
            ltrb: [B, H, W, 4] float32, distances from each location to the sides of its box, in cells of the map;
                gradients flow into them.
        """
        with torch.autocast(features.device.type, enabled=False):
            weight = self.conv.weight
            found: Tensor = deform_conv2d(features.to(weight.dtype), star_offsets(ltrb), weight, padding=1)
        return found.to(features.dtype)


def star_offsets(ltrb: Tensor) -> Tensor:
    """[B, 18, H, W] (y, x) of each kernel point, row by row, counted from where it lies in a plain 3 x 3 convolution.

    A point that is not a number stays at the location: given one, the operator reads any memory, and a training that
    diverges would end the process.

    Args:
        ltrb: [B, H, W, 4] in cells.
    """
    left, top, right, bottom = ltrb.nan_to_num(0.0).unbind(dim=-1)
    middle, plain = torch.zeros_like(left), torch.arange(-1, 2, device=ltrb.device)
    y = torch.stack([-top, middle, bottom], dim=-1) - plain
    x = torch.stack([-left, middle, right], dim=-1) - plain
    points = torch.stack(torch.broadcast_tensors(y.unsqueeze(-1), x.unsqueeze(-2)), dim=-1)
    return points.flatten(-3).permute(0, 3, 1, 2)
