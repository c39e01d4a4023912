"""General Distributions: any shape over n + 1 distances (Sections 3.1 and 3.4)."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.models.box.distribution import BoxDistribution, distances_in_strides
from gfl_bench.models.losses import distribution_focal_loss
from gfl_bench.structures import Priors

_LAST_BIN_MARGIN = 0.1  # bins: a target is at most n - 0.1, so that it has a bin on each side


class General(BoxDistribution):
    """Probabilities of n + 1 distances 0, delta, ..., n * delta; the side is their expectation (Eq. 4)."""

    project: Tensor  # [n + 1] the distances, in strides

    def __init__(self, loss_weight: float, n: int, delta: float) -> None:
        super().__init__(loss_weight)
        self.n, self.delta = n, delta
        self.channels = n + 1
        self.register_buffer("project", torch.linspace(0, n * delta, n + 1))

    def probabilities(self, raw: Tensor) -> Tensor:
        """P(y_i) [..., 4, n + 1]."""
        return raw.softmax(dim=-1)

    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        return self.probabilities(raw) @ self.project.to(raw.dtype)


class GeneralDFL(General):
    """General Distribution whose shape is learnt too, by DFL (Eq. 10)."""

    def __init__(self, loss_weight: float, n: int, delta: float, dfl_weight: float) -> None:
        super().__init__(loss_weight, n, delta)
        self.dfl_weight = dfl_weight  # lambda_1 of Eq. 15

    def losses(self, raw: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> dict[str, Tensor]:
        bins = distances_in_strides(priors, target) / self.delta
        dfl = distribution_focal_loss(raw, bins.clamp(0, self.n - _LAST_BIN_MARGIN)).mean(dim=-1)
        return super().losses(raw, boxes, target, priors) | {"loss_dfl": self.dfl_weight * dfl}
