"""A mean and a variance a side (Table 6)."""

from __future__ import annotations

from torch import Tensor

from gfl_bench.models.box.distribution import BoxDistribution, distances_in_strides
from gfl_bench.models.losses import gaussian_kl
from gfl_bench.structures import Priors

_MAX_LOG_VARIANCE = 7.0  # a standard deviation between 0.03 and 33 strides


class Gaussian(BoxDistribution):
    """Mean, counted from the prior's side, and log variance; trained edge by edge, since no IoU loss fits it."""

    channels = 2

    def __init__(self, loss_weight: float, smooth: bool) -> None:
        super().__init__(loss_weight)
        self.smooth = smooth

    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        return distances_in_strides(priors, priors.box) + raw[..., 0]

    def spread(self, raw: Tensor) -> dict[str, Tensor]:
        """``variance`` in strides^2."""
        return {"variance": self._log_variance(raw).exp()}

    def losses(self, raw: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> dict[str, Tensor]:
        wanted = distances_in_strides(priors, target)
        edges = gaussian_kl(self.mean(raw, priors), self._log_variance(raw), wanted, self.smooth)
        return {"loss_box": self.loss_weight * edges.mean(dim=-1)}

    def _log_variance(self, raw: Tensor) -> Tensor:
        return raw[..., 1].clamp(-_MAX_LOG_VARIANCE, _MAX_LOG_VARIANCE)
