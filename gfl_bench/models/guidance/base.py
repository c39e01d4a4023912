"""What the guidances share: a quality is read at every location of one level."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from gfl_bench.structures import Probabilities


class Guidance(nn.Module, ABC):
    """Reads a quality at every location of one level; what it says is float32, also under autocast."""

    looks_around: ClassVar[bool]  # whether it needs to know where the predicted box is

    @abstractmethod
    def forward(self, raw: Tensor, features: Tensor, distances: Tensor | None) -> Probabilities:
        """Quality [B, H, W, 1] in (0, 1), float32.

        Args:
            raw: [B, H, W, 4, m] float32, what the head predicts of each side; gradients may flow into it.
            features: [B, F, H, W], the regression tower's output; gradients may flow into it.
            distances: [B, H, W, 4] float32, (l, t, r, b) of the predicted box from each location in strides, which are
                cells of this level. They say where to look, and no gradient flows into them. None will do where a
                guidance does not look around.
        """
