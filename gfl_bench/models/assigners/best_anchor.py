"""Assignment by shape (Redmon and Farhadi, 2018, Section 2.1), as darknet's ``forward_yolo_layer`` has it."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.config.schema import BestAnchorAssigner
from gfl_bench.models.assigners.assignment import IGNORED, Assignment
from gfl_bench.models.assigners.claims import Claims, award, level_strides
from gfl_bench.models.assigners.left_out import inside_padding
from gfl_bench.models.iou import iou
from gfl_bench.structures import Instances, Priors


class BestAnchor:
    """Gives each ground truth the anchor of most like width and height, in the cell that its centre lies in.

    All anchors compete, wherever they are used: one that several levels have learns on each of them, one that none has
    takes its ground truths away from all. Of several ground truths the last gets the prior.
    """

    def __init__(self, config: BestAnchorAssigner) -> None:
        self.anchors = torch.tensor(config.anchors, dtype=torch.float32)
        self.masks = torch.tensor(config.masks)

    def assign(self, priors: Priors, instances: Instances, padded_sizes: Tensor) -> Assignment:
        """Assign the priors of every image of a batch; those beyond the image's ``padded_sizes`` [B, 2] are ignored."""
        usable = inside_padding(priors, padded_sizes)
        order = torch.arange(len(instances), device=usable.device).flip(0)
        awarded = award(self._claims(priors, instances.boxes), order, instances.image, usable.shape)
        return Assignment(awarded.masked_fill_(~usable, IGNORED))

    def _claims(self, priors: Priors, boxes: Tensor) -> Claims:
        masks = self.masks.to(boxes.device)
        gt, level, slot = (self._best(boxes)[:, None, None] == masks).nonzero(as_tuple=True)
        height, width = torch.tensor(priors.level_sizes, device=boxes.device).T
        first = torch.tensor([0, *priors.lengths[:-1]], device=boxes.device).cumsum(0)
        cell = ((boxes[:, :2] + boxes[:, 2:]) / 2)[gt] / level_strides(priors)[level, None]
        column, row = cell.long().clamp(min=0).unbind(1)
        place = row.minimum(height[level] - 1) * width[level] + column.minimum(width[level] - 1)
        return Claims(gt, first[level] + place * masks.shape[1] + slot)

    def _best(self, boxes: Tensor) -> Tensor:
        """[N] int64, which of the anchors."""
        anchors, size = self.anchors.to(boxes.device), boxes[:, None, 2:] - boxes[:, None, :2]
        overlap = iou(torch.cat([torch.zeros_like(size), size], dim=-1), torch.cat([anchors * 0, anchors], dim=-1))
        return overlap.argmax(dim=1)
