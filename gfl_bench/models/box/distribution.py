"""What all box strategies share.

K positives, m = ``channels``; a side's raw numbers are in units of the prior's stride, unless a coding says otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from gfl_bench.models.coding import boxes_from_distances, distances_to_sides
from gfl_bench.models.iou import giou_loss
from gfl_bench.structures import Priors


class BoxDistribution(nn.Module, ABC):
    """A box is decoded from means, and trained with GIoU."""

    channels: int

    def __init__(self, loss_weight: float) -> None:
        super().__init__()
        self.loss_weight = loss_weight  # lambda_0 of Eq. 15

    def decode(self, raw: Tensor, priors: Priors) -> Tensor:
        """Boxes [..., 4] in pixels of ``raw`` [..., 4, m] at ``priors`` whose tensors broadcast to it."""
        return boxes_from_distances(priors.center, self.mean(raw, priors) * priors.stride.unsqueeze(-1))

    @abstractmethod
    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        """Expected distances (l, t, r, b) [..., 4] in strides."""

    def probabilities(self, raw: Tensor) -> Tensor | None:
        """P(y_i) [..., 4, n + 1] of the distances that a side may have; None where it is no General Distribution."""
        return None

    def spread(self, raw: Tensor) -> dict[str, Tensor]:
        """How sure ``raw`` [..., 4, m] is of each side, by the name of the statistic, [..., 4]; none of a number."""
        return {}

    def losses(self, raw: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> dict[str, Tensor]:
        """Loss of each positive, times its lambda of Eq. 15, and not yet normalised.

        Args:
            raw: [K, 4, m].
            boxes: [K, 4] pixels, ``decode(raw, priors)``.
            target: [K, 4] pixels, ground truth.

        Returns:
            By the name of the loss, [K].
        """
        return {"loss_box": self.loss_weight * giou_loss(boxes, target)}


def distances_in_strides(priors: Priors, boxes: Tensor) -> Tensor:
    """Distances (l, t, r, b) [..., 4] from the priors' centres to the sides of ``boxes`` [..., 4]."""
    return distances_to_sides(priors.center, boxes) / priors.stride.unsqueeze(-1)
