"""Assignment by IoU, as Faster R-CNN's proposals, SSD and RetinaNet have it."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.config.schema import MaxIoUAssigner
from gfl_bench.models.assigners.assignment import IGNORED, NEGATIVE, Assignment
from gfl_bench.models.assigners.claims import Claims, award, blocks, claimed, joined
from gfl_bench.models.assigners.left_out import covered, inside_padding
from gfl_bench.models.iou import iou
from gfl_bench.structures import Instances, Priors

_TOUCHES = torch.finfo(torch.float32).tiny  # IoU from which a ground truth and a prior have anything in common


class MaxIoU:
    """Gives each prior the ground truth of its highest IoU, where that is high enough; then each ground truth its best.

    From ``positive_iou`` on a prior learns the ground truth (the first of equals), below ``negative_iou`` it is
    negative, in between ignored. Then every ground truth takes the priors of its own highest IoU, or the first of them,
    if that is at least ``lowest_iou`` and above 0, whatever was decided before; of several the last gets the prior.
    """

    def __init__(self, config: MaxIoUAssigner) -> None:
        self.positive_iou = config.positive_iou
        self.negative_iou = config.negative_iou
        self.lowest_iou = config.lowest_iou
        self.all_best = config.all_best
        self.ignore_iof = config.ignore_iof

    def assign(self, priors: Priors, instances: Instances, padded_sizes: Tensor) -> Assignment:
        """Assign the priors of every image of a batch.

        Priors whose cell lies outside the image's own ``padded_sizes`` [B, 2] (height, width) take no part and are
        ignored; so are those that an ignored box covers by more than ``ignore_iof``.
        """
        usable = inside_padding(priors, padded_sizes)
        if self.ignore_iof > 0 and len(instances.ignored_boxes):
            usable = usable & ~covered(priors, instances, len(usable), self.ignore_iof)
        claims, overlap, best = self._claims(priors, instances, usable)
        gt_index = self._by_prior(claims, overlap, instances, usable)
        forced = self._by_gt(claims, overlap, best, instances, usable)
        return Assignment(torch.where(forced >= 0, forced, gt_index).masked_fill_(~usable, IGNORED))

    def _claims(self, priors: Priors, instances: Instances, usable: Tensor) -> tuple[Claims, Tensor, Tensor]:
        """The pairs that may matter, their IoU [K], and each ground truth's highest IoU [N].

        Those are the pairs above a threshold, and those as good as the ground truth's best so far.
        """
        box = priors.box.T.contiguous().T  # in memory column by column: all that follows then runs along the priors
        counts, threshold = usable.float(), min(self.positive_iou, self.negative_iou)
        best = box.new_zeros(len(instances))
        found, overlaps = [], []
        for _, part in blocks(priors, len(instances)):
            overlap = iou(box[part], instances.boxes[:, None]) * counts[:, part].index_select(0, instances.image)
            best = best.maximum(overlap.amax(dim=1))
            pairs = claimed(overlap >= best.clamp(_TOUCHES, threshold)[:, None], part)
            found.append(pairs)
            overlaps.append(overlap[pairs.gt, pairs.prior - part.start])
        return joined(found), torch.cat(overlaps), best

    def _by_prior(self, claims: Claims, overlap: Tensor, instances: Instances, usable: Tensor) -> Tensor:
        """[B, P]: what each prior learns by its own highest IoU."""
        slot = instances.image[claims.gt] * usable.shape[1] + claims.prior
        highest = overlap.new_zeros(usable.numel()).scatter_reduce_(0, slot, overlap, "amax")
        order = torch.arange(len(instances), device=slot.device)
        winner = award(claims[overlap == highest[slot]], order, instances.image, usable.shape)
        highest = highest.reshape(usable.shape)
        unsure = torch.where(highest >= self.negative_iou, IGNORED, NEGATIVE)
        return torch.where(highest >= self.positive_iou, winner, unsure)

    def _by_gt(self, claims: Claims, overlap: Tensor, best: Tensor, instances: Instances, usable: Tensor) -> Tensor:
        """[B, P]: the last ground truth whose best prior this is, or NEGATIVE."""
        claims = claims[(overlap == best[claims.gt]) & (overlap >= max(self.lowest_iou, _TOUCHES))]
        if not self.all_best:
            first = claims.prior.new_full((len(instances),), usable.shape[1])
            first.scatter_reduce_(0, claims.gt, claims.prior, "amin")
            claims = claims[claims.prior == first[claims.gt]]
        order = torch.arange(len(instances), device=best.device).flip(0)
        return award(claims, order, instances.image, usable.shape)
