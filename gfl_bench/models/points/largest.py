"""Of the values at several points the largest, channel by channel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag

from gfl_bench.models.points.bilinear import rows, surroundings

_IN_CACHE = 2**18  # values: 1 MiB, which stays in a CPU's cache
_ON_GPU = 2**26  # 256 MiB; there each small block would be a dozen kernels to launch


def largest_of_points(maps: Tensor, offsets: Tensor) -> Tensor:
    """[B, P * C, H, W] float32, the largest of the K points of each place.

    Gradients flow into ``maps`` alone, of equal points into the first. Never all values are held; beside the inputs one
    byte a result is kept for them.

    Args:
        maps, offsets: as ``sum_of_points`` takes them.
    """
    cells, shares = (x.detach().movedim(0, -1).flatten(0, 3).contiguous() for x in surroundings(offsets))
    best: Tensor = _Largest.apply(rows(maps, offsets.shape[3]), cells, shares)
    return best.view(*offsets.shape[:3], -1).permute(0, 3, 1, 2)


class _Largest(torch.autograd.Function):
    """[M, C] of a table [R, C], whose ``cells`` [M, K, 4] count by their ``shares`` [M, K, 4]."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, cells: Tensor, shares: Tensor) -> Tensor:
        best = table.new_empty(len(cells), table.shape[1])
        winner = best.new_empty(best.shape, dtype=torch.uint8) if ctx.needs_input_grad[0] else None
        size = max(_block(table.device) // (cells.shape[1] * table.shape[1]), 1)
        for first in range(0, len(cells), size):
            part = slice(first, first + size)
            values = _values(table, cells[part], shares[part])
            torch.amax(values, dim=1, out=best[part])
            if winner is not None:
                _find(values, best[part], winner[part])
        ctx.save_for_backward(cells, shares, winner)
        ctx.rows = len(table)
        return best

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cells, shares, winner = ctx.saved_tensors
        winner, total = winner.long(), grad.new_zeros(ctx.rows, grad.shape[1])
        for cell, share in zip(cells.unbind(dim=2), shares.unbind(dim=2), strict=True):
            total.scatter_add_(0, cell.gather(1, winner).long(), share.gather(1, winner) * grad)
        return total, None, None


def _block(device: torch.device) -> int:
    """Values at a time."""
    return _IN_CACHE if device.type == "cpu" else _ON_GPU


def _values(table: Tensor, cells: Tensor, shares: Tensor) -> Tensor:
    """[M, K, C] at points of ``cells`` and ``shares`` [M, K, 4]."""
    values = embedding_bag(cells.flatten(0, 1), table, mode="sum", per_sample_weights=shares.flatten(0, 1))
    return values.unflatten(0, cells.shape[:2])


def _find(values: Tensor, best: Tensor, winner: Tensor) -> None:
    """Write into ``winner`` [M, C] which of ``values`` [M, K, C] first equals ``best`` [M, C]; argmax is slower."""
    winner.zero_()
    for point in range(values.shape[1] - 1, 0, -1):
        winner.masked_fill_(values[:, point] == best, point)
    winner.masked_fill_(values[:, 0] == best, 0)
