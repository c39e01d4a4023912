"""How a detector says how good a box is: not at all, by a branch, through guided weights, or in one joint score.

Each strategy owns the loss of the class scores (and of its branch), the score that ranks detections, and what weights
a positive's box losses. B images, P priors, C classes, K positives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.config.schema import BoxWeight, JointLoss
from gfl_bench.models.losses import (
    focal_loss,
    quality_focal_loss,
    quality_focal_loss_on_probabilities,
    score_distance_loss,
    varifocal_loss,
    varifocal_loss_on_probabilities,
)
from gfl_bench.models.normalisers import Reduce, alone
from gfl_bench.models.positives import Positives
from gfl_bench.structures import HeadOutput, Logits, Probabilities

_MIN_TOTAL = 1e-6  # positives that all have quality 0 weigh nothing
RealQuality = Callable[[Positives], Tensor]  # [K] in [0, 1], what a predicted quality should be


def real_centerness(positives: Positives) -> Tensor:
    return positives.centerness


def real_iou(positives: Positives) -> Tensor:
    return positives.iou


class QualityRepresentation(ABC):
    """What the strategies share: the class score ranks, a positive's box losses are weighted as asked."""

    aux_channels = 0  # of the branch beside the box
    loss_name = "loss_cls"  # of the class scores

    def __init__(self, config: schema.QualityConfig, detector: schema.DetectorConfig) -> None:
        self._box_weight = _BOX_WEIGHTS[config.box_weight]
        self.weighs_evenly = config.box_weight is BoxWeight.uniform

    def class_channels(self, classes: int) -> int:
        """Numbers that the head says of a location's class, one of ``classes``."""
        return classes

    def losses(
        self, output: HeadOutput, positives: Positives, weight: Tensor, reduce: Reduce = alone
    ) -> dict[str, Tensor]:
        """Weighted sums over the batch, by the name of the loss.

        Args:
            weight: [B * P] float32 of each location: 0 where nothing is learnt, else one over the normaliser.
            reduce: adds up further normalisers over all processes.
        """
        return {self.loss_name: self.class_losses(output, positives, weight).sum()}

    @abstractmethod
    def class_losses(self, output: HeadOutput, positives: Positives, weight: Tensor | None = None) -> Tensor:
        """[B * P] loss of each location's class scores, times ``weight`` [B * P] if given.

        Of ``output`` only the class scores and the guidance's quality are read.
        """

    def class_scores(self, output: HeadOutput) -> Probabilities:
        """[B, P, C], what thresholds and top-k see: the class score, times the guidance's quality if any (Eq. 7)."""
        return self.probabilities(output.cls, output.guide)

    def probabilities(self, cls: Logits, guide: Probabilities | None) -> Probabilities:
        """Class scores [..., C] of what the head says of the class, and of the guidance's quality [..., 1] if any."""
        return Probabilities(cls.sigmoid() if guide is None else cls.sigmoid() * guide)

    def scores_at(self, output: HeadOutput, row: Tensor) -> Probabilities:
        """[K, C] class scores of the locations ``row`` [K]."""
        guide = None if output.guide is None else Probabilities(output.guide.flatten(0, 1)[row])
        return self.probabilities(Logits(output.cls.flatten(0, 1)[row]), guide)

    def factor(self, output: HeadOutput) -> Probabilities | None:
        """[B, P, 1], multiplied into the class scores once candidates are chosen, as the reference does; or None."""
        return None

    def score(self, output: HeadOutput) -> Probabilities:
        """[B, P, C], what NMS ranks by."""
        factor, scores = self.factor(output), self.class_scores(output)
        return scores if factor is None else Probabilities(scores * factor)

    def box_weight(self, output: HeadOutput, positives: Positives) -> Tensor:
        """[K] >= 0 without gradient, the weight of each positive's box losses."""
        return self._box_weight(self, output, positives).detach()

    def predicted(self, output: HeadOutput, positives: Positives) -> Tensor:
        """[K] in [0, 1], what Table 10 compares with the real IoU: the score at the ground truth's class."""
        return self.scores_at(output, positives.row).gather(1, positives.label[:, None]).squeeze(1)


class FocalQuality(QualityRepresentation):
    """One-hot classes under focal loss; nothing is said of the box's quality."""

    def __init__(self, config: schema.FocalQuality, detector: schema.DetectorConfig) -> None:
        super().__init__(config, detector)
        self.alpha, self.gamma = detector.focal.alpha, detector.focal.gamma

    def class_losses(self, output: HeadOutput, positives: Positives, weight: Tensor | None = None) -> Tensor:
        logits = Logits(output.cls.flatten(0, 1))
        return focal_loss(logits, positives.row, positives.label, self.alpha, self.gamma, weight)


class BranchQuality(FocalQuality):
    """A branch predicts the quality; its sigmoid is multiplied into the class score at inference only."""

    aux_channels = 1

    def __init__(self, config: schema.FocalQuality, detector: schema.DetectorConfig, real: RealQuality) -> None:
        super().__init__(config, detector)
        self.real, self.loss_weight = real, detector.aux_loss_weight

    def losses(
        self, output: HeadOutput, positives: Positives, weight: Tensor, reduce: Reduce = alone
    ) -> dict[str, Tensor]:
        logits = _branch(output).flatten().index_select(0, positives.row)
        branch = functional.binary_cross_entropy_with_logits(
            logits, self.real(positives), weight[positives.row], reduction="sum"
        )
        return super().losses(output, positives, weight, reduce) | {"loss_aux": self.loss_weight * branch}

    def factor(self, output: HeadOutput) -> Probabilities:
        return Probabilities(_branch(output).sigmoid())

    def predicted(self, output: HeadOutput, positives: Positives) -> Tensor:
        """[K] in [0, 1], the branch's sigmoid."""
        return _branch(output).flatten()[positives.row].sigmoid()


class GuidedQuality(FocalQuality):
    """Each positive's class loss is weighted by quality^eta, rescaled so that all positives weigh what they did."""

    def __init__(
        self, config: schema.CenternessGuided | schema.IoUGuided, detector: schema.DetectorConfig, real: RealQuality
    ) -> None:
        super().__init__(config, detector)
        self.real, self.eta = real, config.eta

    def losses(
        self, output: HeadOutput, positives: Positives, weight: Tensor, reduce: Reduce = alone
    ) -> dict[str, Tensor]:
        return super().losses(output, positives, self.guided_weight(positives, weight, reduce), reduce)

    def guided_weight(self, positives: Positives, weight: Tensor, reduce: Reduce = alone) -> Tensor:
        """[B * P], what ``weight`` [B * P] becomes for the class loss."""
        guided = self.real(positives).pow(self.eta)
        count, total = reduce(torch.stack([guided.new_full((), len(guided)), guided.sum()])).unbind()
        scale = count * total.clamp(min=_MIN_TOTAL).reciprocal()
        return weight.index_put((positives.row,), weight[positives.row] * guided * scale)


class JointQuality(QualityRepresentation):
    """One score for class and IoU (Section 3.1), trained with QFL; L1 and L2 for Table 4, varifocal loss for VFNet."""

    loss_name = "loss_quality"

    def __init__(self, config: schema.Joint, detector: schema.DetectorConfig) -> None:
        super().__init__(config, detector)
        self._on_logits, self._on_probabilities = _JOINT_LOSSES[config.loss](config)

    def class_losses(self, output: HeadOutput, positives: Positives, weight: Tensor | None = None) -> Tensor:
        where = positives.row, positives.label, positives.iou
        if self._on_logits is not None and output.guide is None:
            return self._on_logits(Logits(output.cls.flatten(0, 1)), *where, weight=weight)
        return self._on_probabilities(Probabilities(self.class_scores(output).flatten(0, 1)), *where, weight=weight)


def _branch(output: HeadOutput) -> Logits:
    if output.aux is None:
        raise ValueError("the head has no branch, but the quality reads one: build both from one config")
    return output.aux


_BOX_WEIGHTS: dict[BoxWeight, Callable[[QualityRepresentation, HeadOutput, Positives], Tensor]] = {
    BoxWeight.uniform: lambda quality, output, positives: torch.ones_like(positives.iou),
    BoxWeight.centerness: lambda quality, output, positives: positives.centerness,
    BoxWeight.iou: lambda quality, output, positives: positives.iou,
    BoxWeight.score: lambda quality, output, positives: quality.scores_at(output, positives.row).amax(dim=1),
}

_RowLoss = Callable[..., Tensor]  # [R] of scores [R, C], rows, labels, quality and weight
_JOINT_LOSSES: dict[JointLoss, Callable[[schema.Joint], tuple[_RowLoss | None, _RowLoss]]] = {  # of logits, of scores
    JointLoss.qfl: lambda config: (
        partial(quality_focal_loss, beta=config.beta), partial(quality_focal_loss_on_probabilities, beta=config.beta),
    ),
    JointLoss.l1: lambda config: (None, partial(score_distance_loss, power=1)),
    JointLoss.l2: lambda config: (None, partial(score_distance_loss, power=2)),
    JointLoss.varifocal: lambda config: (
        partial(varifocal_loss, **vars(config.varifocal)),
        partial(varifocal_loss_on_probabilities, **vars(config.varifocal)),
    ),
}  # fmt: skip

QUALITIES: dict[str, Callable[[Any, schema.DetectorConfig], QualityRepresentation]] = {
    "none": FocalQuality,
    "centerness_branch": lambda config, detector: BranchQuality(config, detector, real_centerness),
    "iou_branch": lambda config, detector: BranchQuality(config, detector, real_iou),
    "centerness_guided": lambda config, detector: GuidedQuality(config, detector, real_centerness),
    "iou_guided": lambda config, detector: GuidedQuality(config, detector, real_iou),
    "joint": JointQuality,
}
