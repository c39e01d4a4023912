"""What all quality representations share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.config.schema import BoxWeight
from gfl_bench.models.normalisers import Reduce, alone
from gfl_bench.models.positives import Positives
from gfl_bench.structures import HeadOutput, Logits, Probabilities


class QualityRepresentation(ABC):
    """The class score ranks, and a positive's box losses are weighted as asked."""

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


_BOX_WEIGHTS: dict[BoxWeight, Callable[[QualityRepresentation, HeadOutput, Positives], Tensor]] = {
    BoxWeight.uniform: lambda quality, output, positives: torch.ones_like(positives.iou),
    BoxWeight.centerness: lambda quality, output, positives: positives.centerness,
    BoxWeight.iou: lambda quality, output, positives: positives.iou,
    BoxWeight.score: lambda quality, output, positives: quality.scores_at(output, positives.row).amax(dim=1),
}
