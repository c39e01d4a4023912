"""The foreground of each class, which RepPoints V2 verifies beside the corners."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.assigners.claims import inside
from gfl_bench.models.iou import area
from gfl_bench.models.losses import focal_loss
from gfl_bench.structures import Instances, Logits, Priors


@dataclass
class Foreground:
    """Where a ground truth's class is to be seen: K of the B * P * C pairs of a location and a class."""

    slot: Tensor  # [K] int64, ascending
    weight: Tensor  # [K] one over the area of the smallest ground truth there, so that small ones count as much

    @property
    def totals(self) -> Tensor:
        """[2] float32: the weights' sum, and K."""
        return torch.stack([self.weight.sum(), self.weight.new_tensor(len(self.slot))])


def foreground(priors: Priors, instances: Instances, images: int, classes: int) -> Foreground:
    """The foreground of a batch: on every level the priors that lie in a ground truth's cells of the finest one."""
    finest = priors.stride[0]
    cells = (instances.boxes / finest).floor() * finest
    margin = torch.stack([-finest, -finest, finest, finest]) / 2
    covered = inside(priors, (cells + margin).expand(len(priors.lengths), -1, -1))
    location = instances.image[covered.gt] * len(priors) + covered.prior
    slot = location * classes + instances.labels[covered.gt]
    share = instances.boxes.new_zeros(images * len(priors) * classes)
    share = share.scatter_reduce(0, slot, 1 / area(instances.boxes)[covered.gt], "amax")
    seen = share.nonzero().squeeze(1)
    return Foreground(seen, share[seen])


def foreground_loss(
    logits: Logits, target: Foreground, usable: Tensor, totals: Tensor, config: schema.FocalConfig
) -> Tensor:
    """Focal loss of ``logits`` [B, P, C], a scalar: what is seen is divided by its weights' sum, all else by its count.

    Args:
        usable: [B, P] bool, False where no loss counts.
        totals: [2] as ``target.totals``, perhaps of all processes.
    """
    weight = (usable / totals[1].clamp(min=1)).flatten().repeat_interleave(logits.shape[-1])
    weight = weight.index_put((target.slot,), target.weight / totals[0].clamp(min=torch.finfo(totals.dtype).tiny))
    entries, first = Logits(logits.reshape(-1, 1)), torch.zeros_like(target.slot)
    return focal_loss(entries, target.slot, first, config.alpha, config.gamma, weight).sum()
