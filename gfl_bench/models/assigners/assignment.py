"""What an assigner decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from gfl_bench.structures import Instances, Priors

NEGATIVE = -1
IGNORED = -2


@dataclass
class Assignment:
    """For each prior of each image the ground truth it learns, if any."""

    gt_index: Tensor  # [B, P] int64: index into the batch's ground truths, NEGATIVE or IGNORED

    @property
    def learns(self) -> Tensor:
        """[B, P] bool, False where no loss counts."""
        return self.gt_index != IGNORED

    @property
    def positives(self) -> Tensor:
        """[B] int64, how many priors of each image have a ground truth."""
        return (self.gt_index >= 0).sum(dim=1)


class Assigner(Protocol):
    """Decides from the boxes of priors and ground truths alone."""

    def assign(self, priors: Priors, instances: Instances, padded_sizes: Tensor) -> Assignment:
        """Assign the priors of every image of a batch.

        Args:
            padded_sizes: [B, 2] int64 (height, width) in pixels of each image, rounded up to 32.
        """
