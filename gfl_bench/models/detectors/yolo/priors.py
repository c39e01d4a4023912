"""The boxes of YOLO's cells: some of a list of anchors on each level (Redmon and Farhadi, 2017, Section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gfl_bench.config.schema import YOLOPriors


@dataclass(frozen=True)
class AnchorCells:
    """Boxes of the sizes of the anchors that ``masks`` names for a level."""

    anchors: tuple[tuple[int, ...], ...]  # (width, height) in pixels
    masks: tuple[tuple[int, ...], ...]  # of each level

    @classmethod
    def of(cls, config: YOLOPriors) -> AnchorCells:
        return cls(tuple(map(tuple, config.anchors)), tuple(map(tuple, config.masks)))

    def boxes(self, strides: Sequence[int], device: torch.device) -> list[Tensor]:
        """[A, 4] float32 pixels around (0, 0) for each level."""
        half = torch.tensor(self.anchors, dtype=torch.float32, device=device) / 2
        around = torch.cat([-half, half], dim=1)
        return [around[list(mask)] for mask in self.masks]
