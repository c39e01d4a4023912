"""The plain versions: every prior against every ground truth, every loss on dense targets.

The oracle of the tests and the yardstick of the benchmarks; written for reading, one image after the other, from the
papers' text.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou, generalized_box_iou_loss

from gfl_bench.models.assigners.assignment import IGNORED, NEGATIVE, Assignment
from gfl_bench.structures import Batch, HeadOutput, Instances, Priors

GOLDENS = Path(__file__).parent / "goldens"


def golden(name: str) -> dict[str, NDArray[np.generic]]:
    """All arrays of ``tests/goldens/<name>.npz``, by key: mmdetection's own numbers.

    They are as mmdetection 3.3.0 gave them, without the arrays that no test asserts on (the necks' maps, losses and
    coders that this project does not have).
    """
    with np.load(GOLDENS / f"{name}.npz", allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


class FullMatrixATSS:
    """ATSS with all distances and all IoU of an image in one [P, N] matrix each."""

    def __init__(self, topk: int = 9) -> None:
        self.topk = topk

    def assign(self, priors: Priors, instances: Instances, padded_sizes: Tensor) -> Assignment:
        offset = priors.center[0] / priors.stride[0]
        corner = priors.center - offset * priors.stride[:, None]
        rows = []
        for number, size in enumerate(padded_sizes):
            usable = (corner < size.flip(0)).all(dim=1).nonzero().squeeze(1)
            mine = (instances.image == number).nonzero().squeeze(1)
            row = torch.full((len(priors),), IGNORED, device=priors.box.device)
            row[usable] = self._one_image(priors, usable, instances.boxes[mine], mine)
            rows.append(row)
        return Assignment(torch.stack(rows))

    def _one_image(self, priors: Priors, usable: Tensor, boxes: Tensor, index: Tensor) -> Tensor:
        result = torch.full((len(usable),), NEGATIVE, device=boxes.device)
        if len(boxes) == 0:
            return result
        center, level = priors.center[usable], priors.level[usable]
        overlap = box_iou(priors.box[usable], boxes)
        distance = (center[:, None] - (boxes[:, :2] + boxes[:, 2:]) / 2).square().sum(dim=2).sqrt()
        chosen = []
        for number in range(len(priors.level_sizes)):
            here = (level == number).nonzero().squeeze(1)
            best = distance[here].topk(min(self.topk, len(here)), dim=0, largest=False).indices
            chosen.append(here[best])
        candidate = torch.cat(chosen)
        theirs = overlap.gather(0, candidate)
        threshold = theirs.mean(dim=0) + theirs.std(dim=0)
        inside = torch.cat([center[:, None] - boxes[:, :2], boxes[:, 2:] - center[:, None]], dim=2).amin(dim=2) > 0.01
        positive = (theirs >= threshold) & inside.gather(0, candidate)
        claims = torch.full_like(overlap, -1).scatter(0, candidate, theirs.masked_fill(~positive, -1))
        best_overlap, winner = claims.max(dim=1)
        result[best_overlap >= 0] = index[winner[best_overlap >= 0]]
        return result


def plain_gfl_losses(output: HeadOutput, batch: Batch, priors: Priors, assignment: Assignment) -> dict[str, Tensor]:
    """QFL, GIoU and DFL (Eq. 15) of GFLv1, n = 16, as autograd sees them on dense targets."""
    gt_index = assignment.gt_index
    image, prior = (gt_index >= 0).nonzero(as_tuple=True)
    gt = gt_index[image, prior]
    center, stride = priors.center[prior], priors.stride[prior, None]
    raw = output.box[image, prior]
    distance = raw.softmax(dim=-1) @ torch.arange(17.0, device=raw.device) * stride
    boxes = torch.cat([center - distance[:, :2], center + distance[:, 2:]], dim=1)
    wanted = batch.instances.boxes[gt]
    target = torch.zeros_like(output.cls)
    target[image, prior, batch.instances.labels[gt]] = _aligned_iou(boxes.detach(), wanted)
    sigma = output.cls.sigmoid()
    bce = functional.binary_cross_entropy_with_logits(output.cls, target, reduction="none")
    quality = (bce * (sigma - target).abs().square()).sum(dim=2)[gt_index != IGNORED].sum()
    weight = sigma.detach()[image, prior].amax(dim=1)
    sides = torch.cat([center - wanted[:, :2], wanted[:, 2:] - center], dim=1) / stride
    sides = sides.clamp(0, 15.9)
    left = sides.long()
    dfl = (left + 1 - sides) * functional.cross_entropy(raw.transpose(1, 2), left, reduction="none")
    dfl = dfl + (sides - left) * functional.cross_entropy(raw.transpose(1, 2), left + 1, reduction="none")
    count, total = (gt_index >= 0).sum(dim=1).clamp(min=1).sum(), weight.sum().clamp(min=1)
    return {
        "loss_quality": quality / count,
        "loss_box": 2 * (weight * generalized_box_iou_loss(boxes, wanted)).sum() / total,
        "loss_dfl": 0.25 * (weight * dfl.mean(dim=1)).sum() / total,
    }


def _aligned_iou(a: Tensor, b: Tensor) -> Tensor:
    sides = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    overlap = sides.prod(dim=1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (a, b)]
    return overlap / (areas[0] + areas[1] - overlap)
