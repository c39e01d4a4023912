"""How a detector says how good a box is: not at all, by a branch, through guided weights, or in one joint score.

Each strategy owns the loss of the class scores (and of its branch), the score that ranks detections, and what weights
a positive's box losses. B images, P priors, C classes, K positives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
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
)
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

    def __init__(self, config: schema.QualityConfig) -> None:
        self._box_weight = _BOX_WEIGHTS[config.box_weight]

    @abstractmethod
    def losses(self, output: HeadOutput, positives: Positives, weight: Tensor) -> dict[str, Tensor]:
        """Weighted sums over the batch, by the name of the loss.

        Args:
            weight: [B * P] float32 of each location: 0 where nothing is learnt, else one over the normaliser.
        """

    def class_scores(self, output: HeadOutput) -> Probabilities:
        """[B, P, C], what thresholds and top-k see: the class score, times the guidance's quality if any (Eq. 7)."""
        return _class_scores(output.cls, output.guide)

    def factor(self, output: HeadOutput) -> Probabilities | None:
        """[B, P, 1], multiplied into the class scores once candidates are chosen, as the reference does; or None."""
        return None

    def score(self, output: HeadOutput) -> Probabilities:
        """[B, P, C], what NMS ranks by."""
        factor, scores = self.factor(output), self.class_scores(output)
        return scores if factor is None else Probabilities(scores * factor)

    def box_weight(self, output: HeadOutput, positives: Positives) -> Tensor:
        """[K] >= 0 without gradient, the weight of each positive's box losses."""
        return self._box_weight(output, positives).detach()

    def predicted(self, output: HeadOutput, positives: Positives) -> Tensor:
        """[K] in [0, 1], what Table 10 compares with the real IoU: the score at the ground truth's class."""
        return _scores_at(output, positives.row).gather(1, positives.label[:, None]).squeeze(1)


class FocalQuality(QualityRepresentation):
    """One-hot classes under focal loss; nothing is said of the box's quality."""

    def __init__(self, config: schema.FocalQuality) -> None:
        super().__init__(config)
        self.alpha, self.gamma = config.alpha, config.gamma

    def losses(self, output: HeadOutput, positives: Positives, weight: Tensor) -> dict[str, Tensor]:
        logits, weight = Logits(output.cls.flatten(0, 1)), self.class_weight(positives, weight)
        return {"loss_cls": focal_loss(logits, positives.row, positives.label, self.alpha, self.gamma, weight).sum()}

    def class_weight(self, positives: Positives, weight: Tensor) -> Tensor:
        """[B * P], what ``weight`` [B * P] becomes for the class loss."""
        return weight


class BranchQuality(FocalQuality):
    """A branch predicts the quality; its sigmoid is multiplied into the class score at inference only."""

    aux_channels = 1

    def __init__(self, config: schema.FocalQuality, real: RealQuality) -> None:
        super().__init__(config)
        self.real = real

    def losses(self, output: HeadOutput, positives: Positives, weight: Tensor) -> dict[str, Tensor]:
        logits = _branch(output).flatten().index_select(0, positives.row)
        branch = functional.binary_cross_entropy_with_logits(
            logits, self.real(positives), weight[positives.row], reduction="sum"
        )
        return super().losses(output, positives, weight) | {"loss_aux": branch}

    def factor(self, output: HeadOutput) -> Probabilities:
        return Probabilities(_branch(output).sigmoid())

    def predicted(self, output: HeadOutput, positives: Positives) -> Tensor:
        """[K] in [0, 1], the branch's sigmoid."""
        return _branch(output).flatten()[positives.row].sigmoid()


class GuidedQuality(FocalQuality):
    """Each positive's class loss is weighted by quality^eta, rescaled so that all positives weigh what they did."""

    def __init__(self, config: schema.CenternessGuided | schema.IoUGuided, real: RealQuality) -> None:
        super().__init__(config)
        self.real, self.eta = real, config.eta

    def class_weight(self, positives: Positives, weight: Tensor) -> Tensor:
        guided = self.real(positives).pow(self.eta)
        scale = len(guided) / guided.sum().clamp(min=_MIN_TOTAL)
        return weight.index_put((positives.row,), weight[positives.row] * guided * scale)


class JointQuality(QualityRepresentation):
    """One score for class and IoU (Section 3.1), trained with QFL; L1 and L2 for Table 4."""

    def __init__(self, config: schema.Joint) -> None:
        super().__init__(config)
        self.loss, self.beta = config.loss, config.beta

    def losses(self, output: HeadOutput, positives: Positives, weight: Tensor) -> dict[str, Tensor]:
        return {"loss_quality": self._rows(output, positives, weight).sum()}

    def _rows(self, output: HeadOutput, positives: Positives, weight: Tensor) -> Tensor:
        """[B * P], the weighted loss of each location."""
        where = positives.row, positives.label, positives.iou
        if self.loss is JointLoss.qfl and output.guide is None:
            return quality_focal_loss(Logits(output.cls.flatten(0, 1)), *where, self.beta, weight)
        scores = Probabilities(self.class_scores(output).flatten(0, 1))
        if self.loss is JointLoss.qfl:
            return quality_focal_loss_on_probabilities(scores, *where, self.beta, weight)
        return score_distance_loss(scores, *where, {JointLoss.l1: 1, JointLoss.l2: 2}[self.loss], weight)


def _class_scores(cls: Logits, guide: Probabilities | None) -> Probabilities:
    return Probabilities(cls.sigmoid() if guide is None else cls.sigmoid() * guide)


def _scores_at(output: HeadOutput, row: Tensor) -> Probabilities:
    """[K, C] class scores of the locations ``row`` [K]."""
    guide = None if output.guide is None else Probabilities(output.guide.flatten(0, 1)[row])
    return _class_scores(Logits(output.cls.flatten(0, 1)[row]), guide)


def _branch(output: HeadOutput) -> Logits:
    if output.aux is None:
        raise ValueError("the head has no branch, but the quality reads one: build both from one config")
    return output.aux


_BOX_WEIGHTS: dict[BoxWeight, Callable[[HeadOutput, Positives], Tensor]] = {
    BoxWeight.uniform: lambda output, positives: torch.ones_like(positives.iou),
    BoxWeight.centerness: lambda output, positives: positives.centerness,
    BoxWeight.iou: lambda output, positives: positives.iou,
    BoxWeight.score: lambda output, positives: _scores_at(output, positives.row).amax(dim=1),
}

QUALITIES: dict[str, Callable[[Any], QualityRepresentation]] = {
    "none": FocalQuality,
    "centerness_branch": lambda config: BranchQuality(config, real_centerness),
    "iou_branch": lambda config: BranchQuality(config, real_iou),
    "centerness_guided": lambda config: GuidedQuality(config, real_centerness),
    "iou_guided": lambda config: GuidedQuality(config, real_iou),
    "joint": JointQuality,
}
