"""SSD's class loss (Liu et al., 2016, Section 2.2): softmax with background, and the hardest negatives."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.models.normalisers import Reduce, alone
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality import QualityRepresentation
from gfl_bench.structures import HeadOutput, Logits, Probabilities


class MinedSoftmax(QualityRepresentation):
    """One of C classes or background, which comes last; nothing is said of the box's quality."""

    def __init__(self, config: schema.NoQuality, detector: schema.SSD) -> None:
        super().__init__(config, detector)
        self.negatives = detector.negatives

    def class_channels(self, classes: int) -> int:
        return classes + 1

    def probabilities(self, cls: Logits, guide: Probabilities | None) -> Probabilities:
        return Probabilities(cls.softmax(dim=-1)[..., :-1])

    def losses(
        self, output: HeadOutput, positives: Positives, weight: Tensor, reduce: Reduce = alone
    ) -> dict[str, Tensor]:
        loss = self.class_losses(output, positives, weight)
        learnt = torch.zeros_like(loss, dtype=torch.bool).index_fill(0, positives.row, True)
        each_image, learnt = loss.reshape(len(output.cls), -1), learnt.reshape(len(output.cls), -1)
        negatives = hardest(each_image.masked_fill(learnt, 0), self.negatives * learnt.sum(dim=1))
        return {self.loss_name: loss[positives.row].sum() + negatives.sum()}

    def class_losses(self, output: HeadOutput, positives: Positives, weight: Tensor | None = None) -> Tensor:
        logits = output.cls.flatten(0, 1)
        background = torch.full_like(logits[:, 0], logits.shape[1] - 1, dtype=torch.int64)
        target = background.index_put((positives.row,), positives.label)
        loss = functional.cross_entropy(logits, target, reduction="none")
        return loss if weight is None else loss * weight


def hardest(losses: Tensor, counts: Tensor) -> Tensor:
    """[B, P], of each row of ``losses`` [B, P] >= 0 the ``counts`` [B] largest in falling order, then zeros."""
    ranked = losses.sort(dim=1, descending=True).values
    return ranked.masked_fill(torch.arange(losses.shape[1], device=losses.device) >= counts[:, None], 0)
