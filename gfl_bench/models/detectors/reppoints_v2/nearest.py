"""The prior nearest to a point, found by rounding; and the first points' assignment of RepPoints, which rests on it."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.assigners.claims import Claims, award, level_strides
from gfl_bench.structures import Instances, Priors

_MIN_SIDE = 1e-6  # pixels


def nearest(priors: Priors, points: Tensor, padded_sizes: Tensor) -> Tensor:
    """[N, L] int64: on each level the prior nearest to each of ``points`` [N, 2] pixels, of equals the first.

    Args:
        padded_sizes: [N, 2] int64 (height, width) of the padded image that each point lies in. Only priors whose cell
            begins inside it are asked.
    """
    sizes = torch.tensor(priors.level_sizes, device=points.device)
    first = sizes.prod(dim=1).cumsum(0) - sizes.prod(dim=1)
    stride, origin = priors.stride[first][:, None], priors.center[first]
    last = (padded_sizes[:, None] / stride).ceil().minimum(sizes) - 1
    column, row = ((points[:, None] - origin) / stride - 0.5).ceil().clamp(min=0).minimum(last.flip(2)).long().unbind(2)
    return first + row * sizes[:, 1] + column


def nearest_centre(priors: Priors, instances: Instances, padded_sizes: Tensor, scale: float) -> Assignment:
    """Each ground truth to the prior nearest to its centre, on the level for its size (RepPoints, Yang et al., 2019).

    That is the coarsest level on which the square of its area has sides of at least ``scale`` strides, or else the
    finest. A prior nearest to several goes to the one whose centre is closer in units of its sides, then to the first.
    """
    size = (instances.boxes[:, 2:] - instances.boxes[:, :2]).clamp(min=_MIN_SIDE)
    center = (instances.boxes[:, :2] + instances.boxes[:, 2:]) / 2
    octave = (size / scale).log2().mean(dim=1).floor()
    level = torch.searchsorted(level_strides(priors).log2().round(), octave, right=True).sub(1).clamp(min=0)
    prior = nearest(priors, center, padded_sizes[instances.image]).gather(1, level[:, None]).squeeze(1)
    distance = ((priors.center[prior] - center) / size).norm(dim=1)
    claims = Claims(torch.arange(len(prior), device=prior.device), prior)
    shape = len(padded_sizes), len(priors)
    return Assignment(award(claims, distance.argsort(stable=True), instances.image, shape))
