"""The lattice of priors: boxes around the same point of each cell of each level."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import torch
from torch import Tensor

from gfl_bench.config.schema import LatticeConfig, PriorConfig, SSDPriors, YOLOPriors
from gfl_bench.models.detectors.ssd.priors import SSDCells
from gfl_bench.models.detectors.yolo.priors import AnchorCells
from gfl_bench.structures import Priors

Sizes = tuple[tuple[int, int], ...]


class Cells(Hashable, Protocol):
    """The boxes of a cell."""

    def boxes(self, strides: Sequence[int], device: torch.device) -> list[Tensor]:
        """[A_l, 4] float32 pixels around (0, 0) for each level."""


def level_sizes(height: int, width: int, strides: list[int]) -> Sizes:
    """(height, width) of each level's map for an image of ``height`` x ``width`` pixels, rounded up."""
    return tuple((-(-height // stride), -(-width // stride)) for stride in strides)


def priors_for(sizes: Sizes, config: LatticeConfig, device: torch.device) -> Priors:
    """Priors of all levels, in pixels, float32; the same object for the same arguments, so never write into it.

    The centre of the cell in row y and column x lies at ((x + offset) * stride, (y + offset) * stride); around it lie
    the boxes that the config describes.
    """
    return _lattice(sizes, tuple(config.strides), config.offset, _cells_of(config), device)


def boxes_per_cell(config: LatticeConfig) -> list[int]:
    """Of each level."""
    return [len(boxes) for boxes in _cells_of(config).boxes(config.strides, torch.device("cpu"))]


def unit_prior(config: LatticeConfig, device: torch.device) -> Priors:
    """The finest level's first prior of a cell around (0, 0), in strides; its tensors have no first dimension."""
    box = _cells_of(config).boxes(config.strides, device)[0][0] / config.strides[0]
    zero, one = torch.zeros((), device=device), torch.ones((), device=device)
    return Priors(zero.expand(2), one, box, zero.long(), [(1, 1)], [1])


def select(priors: Priors, index: Tensor) -> Priors:
    """The priors at ``index`` [K] int64; sizes and lengths still tell the lattice they come from."""
    return Priors(
        priors.center[index], priors.stride[index], priors.box[index], priors.level[index], priors.level_sizes,
        priors.lengths,
    )  # fmt: skip


@dataclass(frozen=True)
class _EqualCells:
    """The same boxes in strides on every level: all sizes of the first ratio, then of the next."""

    scale: float
    octave_steps: int
    ratios: tuple[float, ...]

    @classmethod
    def of(cls, config: PriorConfig) -> _EqualCells:
        return cls(config.scale, config.octave_steps, tuple(config.ratios))

    def boxes(self, strides: Sequence[int], device: torch.device) -> list[Tensor]:
        steps = torch.arange(self.octave_steps, dtype=torch.float32, device=device)
        side = self.scale * 2 ** (steps / self.octave_steps)
        height = torch.tensor(self.ratios, dtype=torch.float32, device=device).sqrt()[:, None]
        half = torch.stack([(side / height).flatten(), (side * height).flatten()], dim=1) / 2
        return [torch.cat([-half, half], dim=1) * stride for stride in strides]


_CELLS: dict[type[LatticeConfig], Callable[[Any], Cells]] = {
    PriorConfig: _EqualCells.of, SSDPriors: SSDCells.of, YOLOPriors: AnchorCells.of,
}  # fmt: skip


def _cells_of(config: LatticeConfig) -> Cells:
    return _CELLS[type(config)](config)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # a tensor first made in inference mode could not be used in training later
def _lattice(sizes: Sizes, strides: tuple[int, ...], offset: float, cells: Cells, device: torch.device) -> Priors:
    around = [boxes + offset * step for boxes, step in zip(cells.boxes(strides, device), strides, strict=True)]
    rows = [
        _corners(height, width, device).repeat_interleave(len(boxes), dim=0)
        for (height, width), boxes in zip(sizes, around, strict=True)
    ]
    lengths = [len(xy) for xy in rows]
    level = torch.cat([torch.full((length,), number, device=device) for number, length in enumerate(lengths)])
    stride = torch.tensor(strides, dtype=torch.float32, device=device)[level]
    corner = torch.cat(rows)
    box = torch.cat([boxes.repeat(length // len(boxes), 1) for boxes, length in zip(around, lengths, strict=True)])
    box = box + (corner * stride[:, None]).repeat(1, 2)  # in this order mmdetection's to the last bit
    return Priors((corner + offset) * stride[:, None], stride, box, level, list(sizes), lengths)


def _corners(height: int, width: int, device: torch.device) -> Tensor:
    """(x, y) of each cell, row by row."""
    y = torch.arange(height, dtype=torch.float32, device=device)
    x = torch.arange(width, dtype=torch.float32, device=device)
    return torch.cartesian_prod(y, x).reshape(-1, 2).flip(1)
