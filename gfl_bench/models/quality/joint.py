"""Class and quality in one score (Section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.config.schema import JointLoss
from gfl_bench.models.losses import (
    quality_focal_loss,
    quality_focal_loss_on_probabilities,
    score_distance_loss,
    varifocal_loss,
    varifocal_loss_on_probabilities,
)
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality.representation import QualityRepresentation
from gfl_bench.structures import HeadOutput, Logits, Probabilities


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
