"""General Distributions: any shape over n + 1 distances (Sections 3.1 and 3.4)."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.models.box.distribution import BoxDistribution, distances_in_strides
from gfl_bench.models.guidance.distribution import topkm
from gfl_bench.models.losses import distribution_focal_loss
from gfl_bench.structures import Priors

_LARGEST = 4  # probabilities of a side that its Topkm is the mean of, the paper's k
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

    def spread(self, raw: Tensor) -> dict[str, Tensor]:
        """``entropy`` -sum P ln P in nats, ``top1`` max P, ``topkm`` the mean of the 4 largest P (Eq. 5), and
        ``variance`` sum P (y - sum P y)^2 in strides^2.
        """
        probabilities, distances = self.probabilities(raw), self.project.to(raw.dtype)
        largest = topkm(probabilities, min(_LARGEST, self.channels))
        off = distances - (probabilities @ distances).unsqueeze(-1)
        return {
            "entropy": torch.special.entr(probabilities).sum(dim=-1), "top1": largest[..., 0],
            "topkm": largest[..., -1], "variance": (probabilities * off.square()).sum(dim=-1),
        }  # fmt: skip

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
