"""The star of VFNet (Zhang et al., 2021; Section 3.3): points of the predicted box, for a 3 x 3 convolution."""

from __future__ import annotations

import torch
from torch import Tensor


def star(ltrb: Tensor) -> Tensor:
    """(dx, dy) [B, H, W, 9, 2] from each location to its box's corners, borders straight beside it, and itself.

    They are in the order of a 3 x 3 kernel's points.

    Args:
        ltrb: [B, H, W, 4] distances from each location to the sides of its box; gradients flow into them.
    """
    left, top, right, bottom = ltrb.unbind(dim=-1)
    middle = torch.zeros_like(left)
    x, y = torch.stack([-left, middle, right], dim=-1), torch.stack([-top, middle, bottom], dim=-1)
    return torch.stack(torch.broadcast_tensors(x.unsqueeze(-2), y.unsqueeze(-1)), dim=-1).flatten(-3, -2)
