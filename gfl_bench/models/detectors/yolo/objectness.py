"""YOLO's scores (Redmon and Farhadi, 2018, Sections 2.1 and 2.2): is there an object, and of which classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.models.normalisers import Reduce, alone
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality import QualityRepresentation
from gfl_bench.structures import HeadOutput, Logits, Probabilities


class Objectness(QualityRepresentation):
    """A branch learns everywhere whether there is an object, the classes learn at positives alone; both by BCE.

    The score is the product of the two, also where a threshold sees it (darknet's ``get_yolo_detections``).
    """

    aux_channels = 1

    def __init__(self, config: schema.NoQuality, detector: schema.YOLO) -> None:
        super().__init__(config, detector)
        self.loss_weight = detector.aux_loss_weight

    def class_scores(self, output: HeadOutput) -> Probabilities:
        return Probabilities(output.cls.sigmoid() * _objectness(output).sigmoid())

    def scores_at(self, output: HeadOutput, row: Tensor) -> Probabilities:
        objectness = _objectness(output).flatten(0, 1)[row].sigmoid()
        return Probabilities(output.cls.flatten(0, 1)[row].sigmoid() * objectness)

    def losses(
        self, output: HeadOutput, positives: Positives, weight: Tensor, reduce: Reduce = alone
    ) -> dict[str, Tensor]:
        classes = _at_positives(output, positives) * weight[positives.row]
        logits = _objectness(output).flatten()
        wanted = torch.zeros_like(logits).index_fill(0, positives.row, 1)
        objects = functional.binary_cross_entropy_with_logits(logits, wanted, weight, reduction="sum")
        return {self.loss_name: classes.sum(), "loss_aux": self.loss_weight * objects}

    def class_losses(self, output: HeadOutput, positives: Positives, weight: Tensor | None = None) -> Tensor:
        found = _at_positives(output, positives)
        loss = found.new_zeros(output.cls.shape[:2].numel()).index_put((positives.row,), found)
        return loss if weight is None else loss * weight


def _at_positives(output: HeadOutput, positives: Positives) -> Tensor:
    """[K], summed over the classes."""
    logits = output.cls.flatten(0, 1).index_select(0, positives.row)
    wanted = functional.one_hot(positives.label, logits.shape[1]).to(logits.dtype)
    return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none").sum(dim=1)


def _objectness(output: HeadOutput) -> Logits:
    if output.aux is None:
        raise ValueError("the head has no branch for the objectness: build both from one config")
    return output.aux
