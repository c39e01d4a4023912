"""Assignment by the middle of the box (Kong et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.config.schema import FoveaAssigner
from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.assigners.claims import award, inside, level_strides
from gfl_bench.models.iou import area
from gfl_bench.structures import Instances, Priors


class Fovea:
    """Gives each ground truth the cells in its middle, on every level whose range of sizes it falls into.

    The middle is the box shrunk to ``sigma`` of its width and height. Its cells are those with their own middle in it;
    where that lies beyond the first or last column (row), the middle is drawn to it, as the reference does. A cell that
    several claim goes to the smallest, then to the last. No cell is ignored, also in the padding.
    """

    def __init__(self, config: FoveaAssigner) -> None:
        self.size_ranges = config.size_ranges
        self.sigma = config.sigma

    def assign(self, priors: Priors, instances: Instances, padded_sizes: Tensor) -> Assignment:
        """Assign the priors, which lie in the middle of their cells, of every image of a batch.

        Of ``padded_sizes`` only the number of images matters.
        """
        size = area(instances.boxes).sqrt()
        claims = inside(priors, self._regions(priors, instances.boxes, size))
        order = len(instances) - 1 - size.flip(0).argsort(stable=True)
        return Assignment(award(claims, order, instances.image, (len(padded_sizes), len(priors))))

    def _regions(self, priors: Priors, boxes: Tensor, size: Tensor) -> Tensor:
        """[L, N, 4] pixels: from the first to the last cell of each ground truth on each level, or empty.

        Args:
            size: [N] pixels, of the square of equal area.
        """
        stride = level_strides(priors)[:, None, None]
        last = stride.new_tensor(priors.level_sizes).flip(1)[:, None] - 1  # column and row of each level
        corner, half = boxes[:, :2] / stride, (boxes[:, 2:] / stride - boxes[:, :2] / stride) / 2
        low = (corner + (1 - self.sigma) * half - 0.5).ceil().clamp(min=0).minimum(last)
        high = (corner + (1 + self.sigma) * half - 0.5).floor().clamp(min=0).minimum(last)
        smallest, largest = stride.new_tensor(self.size_ranges).T[..., None]
        fits = (size >= smallest) & (size <= largest)
        return (torch.cat([low, high + 1], dim=-1) * stride).masked_fill(~fits[..., None], 0)
