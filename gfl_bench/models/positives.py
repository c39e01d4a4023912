"""The locations of a batch that learn a ground truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.coding import centerness
from gfl_bench.models.iou import iou
from gfl_bench.models.priors import select
from gfl_bench.structures import HeadOutput, Instances, Priors


@dataclass
class Positives:
    """K positives, by image and then by prior."""

    row: Tensor  # [K] int64, index into the B * P locations of the batch
    label: Tensor  # [K] int64
    priors: Priors  # [K, ...]
    raw: Tensor  # [K, 4, m] what the head says of the sides
    boxes: Tensor  # [K, 4] pixels, decoded; with gradient
    target: Tensor  # [K, 4] pixels, the ground truth
    iou: Tensor  # [K] of the two, without gradient

    @property
    def centerness(self) -> Tensor:
        """[K] in [0, 1], of the prior's centre in the ground truth."""
        return centerness(self.priors.center, self.target)


Decode = Callable[[HeadOutput, Tensor, Priors], Tensor]  # boxes [K, 4] of the locations [K] at priors [K]


def gather(
    output: HeadOutput, priors: Priors, instances: Instances, assignment: Assignment, decode: Decode
) -> Positives:
    """The positives of ``assignment`` with their boxes."""
    gt_index = assignment.gt_index.flatten()
    row = (gt_index >= 0).nonzero().squeeze(1)
    gt = gt_index[row]
    chosen = select(priors, row % len(priors))
    raw = output.box.flatten(0, 1).index_select(0, row)
    boxes, target = decode(output, row, chosen), instances.boxes[gt]
    return Positives(row, instances.labels[gt], chosen, raw, boxes, target, iou(boxes.detach(), target))
