"""Assignment by location (Tian et al., 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.config.schema import FCOSAssigner
from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.assigners.claims import Claims, award, inside, level_strides
from gfl_bench.models.coding import distances_to_sides
from gfl_bench.models.iou import area
from gfl_bench.structures import Instances, Priors

_LOWEST, _HIGHEST = -1.0, 1e8  # pixels: what the first and the last level are open to


class FCOS:
    """Gives each ground truth the locations around its centre, on the level that its size there asks for.

    A location counts if it is inside the ground truth, less than ``center_radius`` strides from its centre along both
    axes, and its greatest distance to a side lies within its level's bounds, both included. One that several claim
    goes to the smallest, then to the first. No location is ignored, also in the padding.
    """

    def __init__(self, config: FCOSAssigner) -> None:
        self.bounds = [_LOWEST, *config.bounds, _HIGHEST]
        self.center_radius = config.center_radius

    def assign(self, priors: Priors, instances: Instances, padded_sizes: Tensor) -> Assignment:
        """Assign the priors of every image of a batch; of ``padded_sizes`` only the number of images matters."""
        claims = inside(priors, self._regions(priors, instances.boxes))
        claims = claims[self._fits(priors, instances.boxes, claims)]
        order = area(instances.boxes).argsort(stable=True)
        return Assignment(award(claims, order, instances.image, (len(padded_sizes), len(priors))))

    def _regions(self, priors: Priors, boxes: Tensor) -> Tensor:
        """[L, N, 4]: what of each ground truth is near enough to its centre."""
        if self.center_radius <= 0:
            return boxes.expand(len(priors.lengths), -1, -1)
        center, reach = (boxes[:, :2] + boxes[:, 2:]) / 2, self.center_radius * level_strides(priors)[:, None, None]
        return torch.cat([(center - reach).maximum(boxes[:, :2]), (center + reach).minimum(boxes[:, 2:])], dim=-1)

    def _fits(self, priors: Priors, boxes: Tensor, claims: Claims) -> Tensor:
        """[K] bool: the greatest distance to a side is one that the location's level regresses."""
        farthest = distances_to_sides(priors.center[claims.prior], boxes[claims.gt]).amax(dim=-1)
        bounds, level = boxes.new_tensor(self.bounds), priors.level[claims.prior]
        return (farthest >= bounds[level]) & (farthest <= bounds[level + 1])
