"""The lattice of priors: one square box for each cell of each level."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from gfl_bench.config.schema import PriorConfig
from gfl_bench.structures import Priors

Sizes = tuple[tuple[int, int], ...]


def level_sizes(height: int, width: int, strides: list[int]) -> Sizes:
    """(height, width) of each level's map for an image of ``height`` x ``width`` pixels, rounded up."""
    return tuple((-(-height // stride), -(-width // stride)) for stride in strides)


def priors_for(sizes: Sizes, config: PriorConfig, device: torch.device) -> Priors:
    """Priors of all levels, in pixels, float32; the same object for the same arguments, so never write into it.

    The centre of the cell in row y and column x lies at ((x + offset) * stride, (y + offset) * stride), the box
    reaches ``scale`` / 2 strides to each side.
    """
    return _lattice(sizes, tuple(config.strides), config.scale, config.offset, device)


def select(priors: Priors, index: Tensor) -> Priors:
    """The priors at ``index`` [K] int64; ``level_sizes`` still tells the lattice they come from."""
    return Priors(
        priors.center[index], priors.stride[index], priors.box[index], priors.level[index], priors.level_sizes
    )


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # a tensor first made in inference mode could not be used in training later
def _lattice(sizes: Sizes, strides: tuple[int, ...], scale: float, offset: float, device: torch.device) -> Priors:
    cells = [_cells(height, width, device) for height, width in sizes]
    level = torch.cat([torch.full((len(xy),), number, device=device) for number, xy in enumerate(cells)])
    stride = torch.tensor(strides, dtype=torch.float32, device=device)[level]
    center = (torch.cat(cells) + offset) * stride[:, None]
    reach = (stride * scale / 2)[:, None]
    return Priors(center, stride, torch.cat([center - reach, center + reach], dim=1), level, list(sizes))


def _cells(height: int, width: int, device: torch.device) -> Tensor:
    """(x, y) of each cell, row by row."""
    y = torch.arange(height, dtype=torch.float32, device=device)
    x = torch.arange(width, dtype=torch.float32, device=device)
    return torch.cartesian_prod(y, x).reshape(-1, 2).flip(1)
