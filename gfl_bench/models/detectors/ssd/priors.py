"""The boxes of SSD's cells (Liu et al., 2016, Section 2.2), as mmdetection rounds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from gfl_bench.config.schema import SSDPriors


@dataclass(frozen=True)
class SSDCells:
    """Each level's square, the one whose side is the geometric mean with the next level's, and oblongs of its area."""

    sides: tuple[int, ...]  # whole pixels, of each level and of one beyond
    ratios: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, config: SSDPriors) -> SSDCells:
        sides = (config.image_size * percent // 100 for percent in config.sizes)
        return cls(tuple(sides), tuple(tuple(ratios) for ratios in config.ratios))

    def boxes(self, strides: Sequence[int], device: torch.device) -> list[Tensor]:
        """[A_l, 4] float32 pixels around (0, 0) for each level: both squares, then lying before standing oblongs."""
        return [_boxes(*pair, ratios, device) for pair, ratios in zip(pairwise(self.sides), self.ratios, strict=True)]


def _boxes(side: int, next_side: int, ratios: tuple[float, ...], device: torch.device) -> Tensor:
    scale = [1.0, (next_side / side) ** 0.5] + [1.0] * 2 * len(ratios)
    tall = [1.0, 1.0] + [ratio for oblong in ratios for ratio in (1 / oblong, oblong)]
    larger = torch.tensor(scale, device=device) * side
    height = torch.tensor(tall, device=device).sqrt()
    half = torch.stack([larger * (1 / height), larger * height], dim=1) / 2
    return torch.cat([-half, half], dim=1)
