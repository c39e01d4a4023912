"""The priors that ground truths claim, and who gets a prior that several claim.

Few of all pairs of a ground truth and a prior are claims, so the pairs are judged in blocks and only claims are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gfl_bench.models.assigners.assignment import NEGATIVE
from gfl_bench.structures import Priors

_BLOCK = 2**18  # pairs judged at a time: a few such matrices stay in a core's cache


@dataclass
class Claims:
    """K pairs of a ground truth and a prior of its image."""

    gt: Tensor  # [K] int64, index into the batch's ground truths
    prior: Tensor  # [K] int64, index into the priors of one image

    def __getitem__(self, index: Tensor) -> Claims:
        return Claims(self.gt[index], self.prior[index])


def claimed(mask: Tensor, part: slice) -> Claims:
    """Where ``mask`` [N, b] of the priors in ``part`` is true."""
    gt, prior = mask.nonzero(as_tuple=True)
    return Claims(gt, prior + part.start)


def joined(parts: list[Claims]) -> Claims:
    return Claims(torch.cat([part.gt for part in parts]), torch.cat([part.prior for part in parts]))


def blocks(priors: Priors, gts: int) -> Iterator[tuple[int, slice]]:
    """All priors in order, in runs of one level that make at most ``_BLOCK`` pairs; of each its level and where."""
    size, first = max(_BLOCK // max(gts, 1), 1), 0
    for level, length in enumerate(priors.lengths):
        for start in range(first, first + length, size):
            yield level, slice(start, min(start + size, first + length))
        first += length


def inside(priors: Priors, regions: Tensor) -> Claims:
    """The priors whose centre lies inside, not on the edge of, a ground truth's region of their level.

    Args:
        regions: [L, N, 4] (x1, y1, x2, y2) pixels; a region may be empty or inverted.
    """
    x, y = priors.center.T.contiguous()
    found = []
    for level, part in blocks(priors, regions.shape[1]):
        left, top, right, bottom = regions[level, :, :, None].unbind(1)
        within = (x[part] > left) & (x[part] < right) & (y[part] > top) & (y[part] < bottom)
        found.append(claimed(within, part))
    return joined(found)


def award(claims: Claims, order: Tensor, image: Tensor, shape: tuple[int, ...]) -> Tensor:
    """[B, P] int64: of the ground truths that claim a prior the one that ``order`` names first, or NEGATIVE.

    Args:
        order: [N] int64, all ground truths.
        image: [N] int64, of each ground truth.
        shape: (B, P).
    """
    images, priors = shape
    rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    slot = image[claims.gt] * priors + claims.prior
    first = order.new_full((images * priors,), len(order))
    first.scatter_reduce_(0, slot, rank[claims.gt], "amin")
    return torch.cat([order, order.new_full((1,), NEGATIVE)])[first].reshape(shape)


def level_strides(priors: Priors) -> Tensor:
    """[L] float32 pixels."""
    return torch.stack([level[0] for level in priors.stride.split(priors.lengths)])
