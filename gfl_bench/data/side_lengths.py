"""Lengths across the sides of boxes, which move with their picture."""

from __future__ import annotations

import torch
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional


class SideLengths(tv_tensors.TVTensor):
    """[N, 4] float32 pixels, of the left and right side along x, of the top and bottom one along y (l, t, r, b)."""

    def scaled(self, width: float, height: float) -> SideLengths:
        """In a picture that is so many times as wide and as high."""
        lengths = self.as_subclass(torch.Tensor) * torch.tensor([width, height, width, height])
        return lengths.as_subclass(SideLengths)


@functional.register_kernel(functional.horizontal_flip, SideLengths)
def _flip(lengths: SideLengths) -> SideLengths:
    return lengths.as_subclass(torch.Tensor)[..., [2, 1, 0, 3]].as_subclass(SideLengths)
