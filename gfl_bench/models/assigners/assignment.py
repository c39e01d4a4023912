"""What an assigner decides."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

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
