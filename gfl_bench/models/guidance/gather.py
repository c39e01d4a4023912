"""Values of a map at points between its cells, K of them for each location."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def gather(maps: Tensor, offsets: Tensor) -> Tensor:
    """Values [N, C, K, H, W] of ``maps`` [N, C, H, W], bilinear between the four nearest cells.

    Cells outside the map count as 0, as in a deformable convolution. Gradients flow into both arguments.

    Args:
        offsets: [N, K, H, W, 2] (dx, dy) in cells from each location; (0, 0) reads the location's own value.
    """
    count, (height, width) = offsets.shape[1], maps.shape[-2:]
    x = offsets[..., 0] + torch.arange(width, device=maps.device)
    y = offsets[..., 1] + torch.arange(height, device=maps.device).unsqueeze(-1)
    # grid_sample's -1 and 1 are the map's outer edges (align_corners=False), half a cell beyond the outermost values.
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1).flatten(1, 2)
    values = grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return values.unflatten(2, (count, height))
