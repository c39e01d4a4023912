"""Mixtures of two normal distributions of numbers, for many sets of numbers at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.config.schema import MixtureConfig

_EPS = 10 * torch.finfo(torch.float64).eps  # added to what a component holds, as in scikit-learn


@dataclass
class Mixture:
    """N mixtures; component 0 began at the lowest number of its set, component 1 at the highest."""

    weight: Tensor  # [N, 2] float64
    mean: Tensor  # [N, 2] float64
    variance: Tensor  # [N, 2] float64

    def log_joint(self, values: Tensor) -> Tensor:
        """[N, 2, T] logarithm of a component's weight times its density at ``values`` [N, T]."""
        scale = self.weight.log() - (2 * math.pi * self.variance).log() / 2
        distance = (values[:, None] - self.mean[:, :, None]).square()
        return torch.addcdiv(scale[:, :, None], distance, self.variance[:, :, None], value=-0.5)

    def log_density(self, values: Tensor) -> Tensor:
        """[N, T] logarithm of the mixture's density at ``values`` [N, T]."""
        return _log_density(self.log_joint(values))


def fit(values: Tensor, valid: Tensor, config: MixtureConfig) -> Mixture:
    """Fit a mixture to each row of ``values`` [N, T] by expectation maximisation, in float64.

    It begins with equal weights, the lowest and the highest value as means and variances of 1, and ends once the mean
    log-likelihood changes by less than ``tolerance``, each row for itself: as scikit-learn's GaussianMixture with
    these starting values. What a row without values is given means nothing.

    Args:
        valid: [N, T] bool, which values count; the others must be finite.
    """
    values, running = values.double(), torch.arange(len(values), device=values.device)
    fitted = _start(values, valid)
    bound = values.new_full((len(values),), -torch.inf)
    for _ in range(config.iterations):
        before = Mixture(*fitted[:, running].unbind())
        mixture, mean_log_density = _step(before, values[running], valid[running], config)
        fitted[:, running] = torch.stack([mixture.weight, mixture.mean, mixture.variance])
        finished = (mean_log_density - bound[running]).abs() < config.tolerance
        bound[running] = mean_log_density
        running = running[~finished]
        if len(running) == 0:
            break
    return Mixture(*fitted.unbind())


def _start(values: Tensor, valid: Tensor) -> Tensor:
    """[3, N, 2] weights, means and variances."""
    lowest = values.masked_fill(~valid, torch.inf).amin(dim=1)
    highest = values.masked_fill(~valid, -torch.inf).amax(dim=1)
    mean = torch.stack([lowest, highest], dim=1).nan_to_num(posinf=0, neginf=0)
    return torch.stack([torch.full_like(mean, 0.5), mean, torch.ones_like(mean)])


def _step(mixture: Mixture, values: Tensor, valid: Tensor, config: MixtureConfig) -> tuple[Mixture, Tensor]:
    """A better mixture for the valid ``values`` [N, T], and the mean log density [N] of the one before."""
    counts = valid.sum(dim=1).clamp(min=1)
    joint = mixture.log_joint(values)
    share = (joint - joint.flip(1)).sigmoid() * valid[:, None]
    total = share.sum(dim=2) + _EPS
    mean = (share @ values[:, :, None]).squeeze(2) / total
    distance = (values[:, None] - mean[:, :, None]).square()
    variance = (share * distance).sum(dim=2) / total + config.variance_floor
    mean_log_density = (_log_density(joint) * valid).sum(dim=1) / counts
    return Mixture(total / counts[:, None], mean, variance), mean_log_density


def _log_density(joint: Tensor) -> Tensor:
    """logsumexp over the two components [N, 2, T], which torch's takes five times as long for."""
    low, high = joint.unbind(dim=1)
    return low - functional.logsigmoid(low - high)
