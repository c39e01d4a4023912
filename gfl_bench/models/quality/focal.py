"""The class alone (Lin et al., 2017)."""

from __future__ import annotations

from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.losses import focal_loss
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality.representation import QualityRepresentation
from gfl_bench.structures import HeadOutput, Logits


class FocalQuality(QualityRepresentation):
    """One-hot classes under focal loss; nothing is said of the box's quality."""

    def __init__(self, config: schema.FocalQuality, detector: schema.DetectorConfig) -> None:
        super().__init__(config, detector)
        self.alpha, self.gamma = detector.focal.alpha, detector.focal.gamma

    def class_losses(self, output: HeadOutput, positives: Positives, weight: Tensor | None = None) -> Tensor:
        logits = Logits(output.cls.flatten(0, 1))
        return focal_loss(logits, positives.row, positives.label, self.alpha, self.gamma, weight)
