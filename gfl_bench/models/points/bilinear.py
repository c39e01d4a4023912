"""A point's value is the mean of the four cells around it, weighted by how near they are.

Cells beyond the map count as 0, as in a deformable convolution. What a location reads is one bag of cells, which
torch's ``embedding_bag`` adds up without holding the parts: several times as fast as ``grid_sample`` on a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


def sum_of_points(maps: Tensor, offsets: Tensor) -> Tensor:
    """[B, C, H, W] float32, the sum over P places and K points of each; gradients flow into both arguments.

    Args:
        maps: [B, P * C, H, W], the channels that are read at one place after those of another.
        offsets: [B, H, W, P, K, 2] float32, (dx, dy) in cells from each location. (0, 0) reads the location's own
            value; what is not a number reads nothing.
    """
    cells, shares = (x.flatten(4).movedim(0, 3).flatten(3).flatten(0, 2) for x in surroundings(offsets))
    total = embedding_bag(cells, rows(maps, offsets.shape[3]), mode="sum", per_sample_weights=shares)
    return total.unflatten(0, offsets.shape[:3]).permute(0, 3, 1, 2)


def rows(maps: Tensor, places: int) -> Tensor:
    """[B * H * W * P, C] float32 of ``maps`` [B, P * C, H, W]; nothing is copied of float32 in channels_last."""
    return maps.float().permute(0, 2, 3, 1).reshape(-1, maps.shape[1] // places)


def surroundings(offsets: Tensor) -> tuple[Tensor, Tensor]:
    """The four cells around each point, as ``rows`` has them (int32), and their shares: both [4, B, H, W, P, K]."""
    batch, height, width, places = offsets.shape[:4]
    x, y = offsets.unbind(dim=-1)
    columns, x_shares = _neighbours(x + _range(width, x)[:, None, None], width)
    lines, y_shares = _neighbours(y + _range(height, y)[:, None, None, None], height)
    first = _range(batch, lines[0])[:, None, None, None, None] * height
    place = _range(places, lines[0])[:, None]
    starts = [(first + line) * (width * places) + place for line in lines]
    cells = torch.stack([start + column * places for start in starts for column in columns])
    return cells, torch.stack([of_y * of_x for of_y in y_shares for of_x in x_shares])


def _neighbours(position: Tensor, size: int) -> tuple[list[Tensor], list[Tensor]]:
    """The cells before and after each position along an axis (int32), and their shares, 0 beyond the map."""
    position = position.nan_to_num(nan=-1.0).clamp(-1, size)
    first = position.detach().floor()
    cells, after = [first, first + 1], position - first
    shares = [share * ((cell >= 0) & (cell < size)) for cell, share in zip(cells, [1 - after, after], strict=True)]
    return [cell.clamp(0, size - 1).int() for cell in cells], shares


def _range(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device, dtype=like.dtype)
