"""What the corner heatmaps learn: Gaussians around the corners of the ground truths, on every level."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.models.assigners.claims import Claims, award, inside
from gfl_bench.models.detectors.reppoints_v2.corners import CornerMaps
from gfl_bench.models.detectors.reppoints_v2.nearest import nearest
from gfl_bench.structures import Instances, Logits, Priors

_ALPHA, _GAMMA = 2.0, 4.0  # of the Gaussian focal loss
_BETA = 1 / 9  # strides, where the offsets' smooth L1 becomes linear


@dataclass
class CornerTargets:
    """As ``CornerMaps``, the first B images are of top left corners, then B of bottom right ones."""

    heat: Tensor  # [2 * B, P] in [0, 1]; 1 at the prior of each level that is nearest to a corner
    row: Tensor  # [K] int64, where it is so, among the 2 * B * P
    offset: Tensor  # [K, 2] (x, y) from there to the corner, in strides
    counts: Tensor  # [2] int64 how many there are of each kind of corner, an image counting at least one


def corner_targets(priors: Priors, instances: Instances, padded_sizes: Tensor, iou: float) -> CornerTargets:
    """The targets of a batch.

    Around a corner the heat falls as a Gaussian of the distance in pixels, with a standard deviation of a third of its
    radius, and ends there. Where several meet the largest counts; a prior nearest to several corners learns the last
    one's offset, as the reference does.

    Args:
        padded_sizes: [B, 2] int64 (height, width) in pixels.
        iou: that a box keeps whose corners move by less than the radius.
    """
    images, truths = len(padded_sizes), len(instances)
    corner = instances.boxes.view(-1, 2, 2).transpose(0, 1).flatten(0, 1)
    image = torch.cat([instances.image, instances.image + images])
    shape = 2 * images, len(priors)
    closest = nearest(priors, corner, padded_sizes.repeat(2, 1)[image])
    number = torch.arange(2 * truths, device=corner.device)
    claims = Claims(number.repeat_interleave(closest.shape[1]), closest.flatten())
    owner = award(claims, number.flip(0), image, shape)
    row = (owner.flatten() >= 0).nonzero().squeeze(1)
    prior = row % len(priors)
    offset = (corner[owner.flatten()[row]] - priors.center[prior]) / priors.stride[prior, None]
    heat = _gaussians(priors, corner, gaussian_radius(instances.boxes, iou).repeat(2), image, shape)
    counts = (owner >= 0).sum(dim=1).clamp(min=1).view(2, images).sum(dim=1)
    return CornerTargets(heat.masked_fill(owner >= 0, 1), row, offset, counts)


def gaussian_radius(boxes: Tensor, iou: float) -> Tensor:
    """[N] pixels: how far both corners of ``boxes`` [N, 4] may move so that at least ``iou`` is left.

    The smallest of three: one corner moves inwards and the other outwards, both inwards, both outwards (CornerNet, in
    the corrected form).
    """
    width, height = (boxes[:, 2:] - boxes[:, :2]).unbind(1)
    total, area = width + height, width * height
    shifted = (total - (total.square() - 4 * area * (1 - iou) / (1 + iou)).sqrt()) / 2
    shrunk = (total - (total.square() - 4 * area * (1 - iou)).sqrt()) / 4
    grown = (-iou * total + (iou**2 * total.square() + 4 * iou * (1 - iou) * area).sqrt()) / (4 * iou)
    return shifted.minimum(shrunk).minimum(grown)


def _gaussians(priors: Priors, corner: Tensor, radius: Tensor, image: Tensor, shape: tuple[int, int]) -> Tensor:
    """[2 * B, P] float32: the largest Gaussian at each prior.

    Args:
        corner: [2 * N, 2] pixels, of the images ``image`` [2 * N].
        radius: [2 * N] pixels.
    """
    regions = torch.cat([corner - radius[:, None], corner + radius[:, None]], dim=1)
    near = inside(priors, regions.expand(len(priors.lengths), -1, -1))
    distance = (priors.center[near.prior] - corner[near.gt]).square().sum(dim=1)
    reach = radius[near.gt]
    heat = (-distance / (2 * ((2 * reach + 1) / 6).square())).exp().masked_fill(distance >= reach.square(), 0)
    slot = image[near.gt] * shape[1] + near.prior
    return corner.new_zeros(shape[0] * shape[1]).scatter_reduce(0, slot, heat, "amax").view(shape)


def gaussian_focal_loss(logits: Logits, target: Tensor) -> Tensor:
    """CornerNet's focal loss [...] of ``logits`` [...]: targets below 1 are negatives, the less so the closer to 1."""
    probability = logits.sigmoid()
    positive = -functional.logsigmoid(logits) * (1 - probability).pow(_ALPHA)
    negative = -functional.logsigmoid(-logits) * probability.pow(_ALPHA) * (1 - target).pow(_GAMMA)
    return torch.where(target == 1, positive, negative)


def corner_losses(maps: CornerMaps, targets: CornerTargets, usable: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Losses of the heatmaps and of the offsets, scalars: means of the two kinds of corner.

    Args:
        usable: [B, P] bool, False where no loss counts.
        counts: [2] float32 what each kind is divided by.
    """
    weight = (0.5 / counts).repeat_interleave(len(usable))[:, None]
    heat = gaussian_focal_loss(maps.score, targets.heat) * usable.repeat(2, 1) * weight
    place = maps.offset.flatten(0, 1).index_select(0, targets.row)
    error = functional.smooth_l1_loss(place, targets.offset, reduction="none", beta=_BETA).sum(dim=1)
    return heat.sum(), (error * weight.squeeze(1)[targets.row // usable.shape[1]]).sum()
