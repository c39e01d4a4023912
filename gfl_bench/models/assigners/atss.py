"""Adaptive Training Sample Selection (Zhang et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.config.schema import ATSSAssigner
from gfl_bench.models.assigners.assignment import IGNORED, NEGATIVE, Assignment
from gfl_bench.models.assigners.closest import Candidates, closest, closest_of_all
from gfl_bench.models.assigners.left_out import covered, inside_padding
from gfl_bench.models.coding import distances_to_sides
from gfl_bench.models.iou import iou
from gfl_bench.structures import Instances, Priors

_INSIDE = 0.01  # pixels between a positive's centre and the nearest side of its ground truth


class ATSS:
    """Gives each ground truth those of its closest priors whose IoU stands out among them.

    Candidates are the ``topk`` closest priors of each level; positive are those with IoU >= mean + standard deviation
    (unbiased) over the candidates and the centre inside the ground truth. A prior that several claim goes to the
    highest IoU, then to the first. All images and levels at once; no tensor of size priors x ground truths.
    """

    def __init__(self, config: ATSSAssigner) -> None:
        self.topk = config.topk
        self.ignore_iof = config.ignore_iof

    def assign(self, priors: Priors, instances: Instances, padded_sizes: Tensor) -> Assignment:
        """Assign the priors of every image of a batch.

        Priors whose cell lies outside the image's own ``padded_sizes`` [B, 2] (height, width) are ignored; so are
        those that an ignored box covers by more than ``ignore_iof``, unless a ground truth claims them still.
        """
        usable = inside_padding(priors, padded_sizes)
        gt_index = torch.full_like(usable, NEGATIVE, dtype=torch.int64).masked_fill_(~usable, IGNORED)
        if self.ignore_iof > 0 and len(instances.ignored_boxes):
            gt_index.masked_fill_(covered(priors, instances, len(usable), self.ignore_iof), IGNORED)
            candidates = closest_of_all(priors, instances, gt_index, self.topk, usable)
        else:
            candidates = closest(priors, instances, padded_sizes, self.topk)
        overlap = iou(priors.box[candidates.prior], instances.boxes[:, None])
        positive = _stands_out(overlap, candidates.valid) & _center_inside(priors, candidates, instances)
        winner = _resolve(candidates.prior, overlap, positive, instances.image, gt_index.shape)
        return Assignment(torch.where(winner >= 0, winner, gt_index))


def _stands_out(overlap: Tensor, valid: Tensor) -> Tensor:
    """[N, T] bool: IoU [N, T] of at least mean + unbiased standard deviation over the valid candidates."""
    count = valid.sum(dim=1, keepdim=True)
    mean = (overlap * valid).sum(dim=1, keepdim=True) / count.clamp(min=1)
    variance = ((overlap - mean).square() * valid).sum(dim=1, keepdim=True) / (count - 1).clamp(min=1)
    return valid & (overlap >= mean + variance.sqrt())


def _center_inside(priors: Priors, candidates: Candidates, instances: Instances) -> Tensor:
    center = priors.center[candidates.prior]
    return distances_to_sides(center, instances.boxes[:, None]).amin(dim=-1) > _INSIDE


def _resolve(prior: Tensor, overlap: Tensor, positive: Tensor, image: Tensor, shape: torch.Size) -> Tensor:
    """[B, P] int64: of the ground truths that claim a prior the one with the highest IoU, or -1."""
    images, priors = shape
    slot = (image[:, None] * priors + prior).flatten()
    claim = overlap.masked_fill(~positive, -1).flatten()
    best = claim.new_zeros(images * priors).scatter_reduce(0, slot, claim, "amax")
    wins = positive.flatten() & (claim == best[slot])
    nobody = len(prior)
    gt = torch.arange(nobody, device=prior.device)[:, None].expand_as(prior).flatten()
    winner = torch.full_like(best, nobody, dtype=torch.int64)
    winner.scatter_reduce_(0, slot, gt.masked_fill(~wins, nobody), "amin")
    return winner.masked_fill(winner == nobody, NEGATIVE).reshape(shape)
