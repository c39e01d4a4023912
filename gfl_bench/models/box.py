"""What a predicted side is: a number (Dirac), a Gaussian or a General Distribution (Sections 3.1 and 3.4, Table 6).

Each strategy owns how many numbers the head predicts for a side (``channels``), how they become a box in pixels, and
what they are trained with. K positives, m = ``channels``; the raw numbers of a side are in units of the prior's stride.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.models.coding import boxes_from_deltas, boxes_from_distances, distances_to_sides
from gfl_bench.models.iou import giou_loss
from gfl_bench.models.losses import distribution_focal_loss, gaussian_kl
from gfl_bench.structures import Priors

_MAX_LOG_VARIANCE = 7.0  # a standard deviation between 0.03 and 33 strides
_LAST_BIN_MARGIN = 0.1  # bins: a target is at most n - 0.1, so that it has a bin on each side


class BoxDistribution(nn.Module, ABC):
    """What the box strategies share: a box is decoded from means, and trained with GIoU."""

    channels: int

    def __init__(self, loss_weight: float) -> None:
        super().__init__()
        self.loss_weight = loss_weight  # lambda_0 of Eq. 15

    def decode(self, raw: Tensor, priors: Priors) -> Tensor:
        """Boxes [..., 4] in pixels of ``raw`` [..., 4, m] at ``priors`` whose tensors broadcast to it."""
        return boxes_from_distances(priors.center, self.mean(raw, priors) * priors.stride.unsqueeze(-1))

    @abstractmethod
    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        """Expected distances (l, t, r, b) [..., 4] in strides."""

    def losses(self, raw: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> dict[str, Tensor]:
        """Loss of each positive, times its lambda of Eq. 15, and not yet normalised.

        Args:
            raw: [K, 4, m].
            boxes: [K, 4] pixels, ``decode(raw, priors)``.
            target: [K, 4] pixels, ground truth.

        Returns:
            By the name of the loss, [K].
        """
        return {"loss_box": self.loss_weight * giou_loss(boxes, target)}


class DiracDelta(BoxDistribution):
    """One number a side of (dx, dy, dw, dh) from the prior box, as mmdetection's ATSS has it."""

    channels = 1

    def decode(self, raw: Tensor, priors: Priors) -> Tensor:
        return boxes_from_deltas(priors.box, raw.squeeze(-1))

    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        return distances_to_sides(priors.center, self.decode(raw, priors)) / priors.stride.unsqueeze(-1)


class DiracDistance(BoxDistribution):
    """One number a side: its distance, counted from the prior's side, so that an untrained head predicts the prior."""

    channels = 1

    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        return _distances_in_strides(priors, priors.box) + raw[..., 0]


class Gaussian(DiracDistance):
    """Mean, coded as the distance above, and log variance; trained edge by edge, since no IoU loss fits it."""

    channels = 2

    def __init__(self, loss_weight: float, smooth: bool) -> None:
        super().__init__(loss_weight)
        self.smooth = smooth

    def losses(self, raw: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> dict[str, Tensor]:
        log_variance = raw[..., 1].clamp(-_MAX_LOG_VARIANCE, _MAX_LOG_VARIANCE)
        wanted = _distances_in_strides(priors, target)
        edges = gaussian_kl(self.mean(raw, priors), log_variance, wanted, self.smooth)
        return {"loss_box": self.loss_weight * edges.mean(dim=-1)}


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
        bins = _distances_in_strides(priors, target) / self.delta
        dfl = distribution_focal_loss(raw, bins.clamp(0, self.n - _LAST_BIN_MARGIN)).mean(dim=-1)
        return super().losses(raw, boxes, target, priors) | {"loss_dfl": self.dfl_weight * dfl}


def _distances_in_strides(priors: Priors, boxes: Tensor) -> Tensor:
    return distances_to_sides(priors.center, boxes) / priors.stride.unsqueeze(-1)


def _dirac(config: schema.Dirac, detector: schema.DetectorConfig) -> BoxDistribution:
    coding = {schema.DiracCoding.delta: DiracDelta, schema.DiracCoding.distance: DiracDistance}
    return coding[detector.dirac_coding](detector.box_loss_weight)


def _gaussian(config: schema.Gaussian, detector: schema.DetectorConfig) -> BoxDistribution:
    return Gaussian(detector.box_loss_weight, config.smooth)


def _general(config: schema.General, detector: schema.DetectorConfig) -> BoxDistribution:
    return General(detector.box_loss_weight, config.n, config.delta)


def _general_dfl(config: schema.GeneralDFL, detector: schema.DetectorConfig) -> BoxDistribution:
    return GeneralDFL(detector.box_loss_weight, config.n, config.delta, config.dfl_weight)


BOXES: dict[str, Callable[[Any, schema.DetectorConfig], BoxDistribution]] = {
    "dirac": _dirac, "gaussian": _gaussian, "general": _general, "general_dfl": _general_dfl,
}  # fmt: skip
