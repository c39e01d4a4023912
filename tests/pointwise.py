"""Maps read one point at a time."""

from __future__ import annotations

from math import floor

import torch
from torch import Tensor


def value_at(features: Tensor, x: float, y: float) -> Tensor:
    """[F] of ``features`` [F, H, W] at column x and row y, cell by cell."""
    height, width = features.shape[1:]
    total = torch.zeros(len(features))
    for column in (floor(x), floor(x) + 1):
        for row in (floor(y), floor(y) + 1):
            if 0 <= column < width and 0 <= row < height:
                total += features[:, row, column] * (1 - abs(x - column)) * (1 - abs(y - row))
    return total
