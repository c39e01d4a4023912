"""A one-stage detector out of parts, and the one place where its loss is put together."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.assigners.atss import ATSS
from gfl_bench.models.box import BoxDistribution
from gfl_bench.models.heads import Head
from gfl_bench.models.positives import Positives, gather
from gfl_bench.models.postprocess import choose, suppress
from gfl_bench.models.priors import level_sizes, priors_for, select
from gfl_bench.models.quality import QualityRepresentation
from gfl_bench.structures import Batch, Detections, HeadOutput, Priors, Probabilities, QualityPairs

_EPS = torch.finfo(torch.float32).eps  # added to every normaliser, as in the reference


class Detector(nn.Module):
    """Images to boxes. Losses and decoding are float32, also under autocast."""

    def __init__(
        self, config: schema.DetectorConfig, backbone: nn.Module, neck: nn.Module, head: Head, box: BoxDistribution,
        quality: QualityRepresentation, assigner: ATSS,
    ) -> None:  # fmt: skip
        super().__init__()
        self.backbone, self.neck, self.head, self.box = backbone, neck, head, box
        self.config, self.quality, self.assigner = config, quality, assigner

    def forward(self, images: Tensor) -> HeadOutput:
        """[B, 3, H, W] normalised -> what the head says at the P priors of each image."""
        output: HeadOutput = self.head(self.neck(self.backbone(images)))
        return output

    def loss(
        self, output: HeadOutput, batch: Batch, reduce: Callable[[Tensor], Tensor] = lambda normalisers: normalisers
    ) -> dict[str, Tensor]:
        """The terms of Eq. 15, scalars to be added up; all finite and differentiable also without any ground truth.

        ``loss_quality`` (joint score) or ``loss_cls`` (and ``loss_aux`` of a branch) are divided by the number of
        positives, of which an image counts at least one; ``loss_box`` and ``loss_dfl`` by the sum of the positives'
        box weights, at least ``box_normaliser_min``.

        Args:
            reduce: takes the two normalisers, [2] float32, to their mean over all processes.
        """
        with torch.autocast(output.cls.device.type, enabled=False):
            assignment, positives = self._match(output, batch)
            box_weight = self.quality.box_weight(output, positives)
            counts = assignment.positives.clamp(min=1).sum().to(box_weight.dtype)
            count, total = reduce(torch.stack([counts, box_weight.sum()])).unbind()
            quality = self.quality.losses(output, positives, assignment.learns.flatten() / (count + _EPS))
            boxes = self.box.losses(positives.raw, positives.boxes, positives.target, positives.priors)
            box_weight = box_weight / (total.clamp(min=self.config.box_normaliser_min) + _EPS)
            return quality | {name: (loss * box_weight).sum() for name, loss in boxes.items()}

    @torch.no_grad()
    def predict(self, output: HeadOutput, batch: Batch, rescale: bool = True) -> list[Detections]:
        """The detections of each image, in pixels of the original image, or with ``rescale`` off of the resized one."""
        priors, config = self._priors(batch), self.config.postprocess
        scores, factor = self.quality.class_scores(output), self.quality.factor(output)
        found = []
        for number, raw in enumerate(output.box):
            one = Probabilities(scores[number]), None if factor is None else Probabilities(factor[number])
            chosen = choose(*one, priors.level_sizes, config)
            boxes = self.box.decode(raw[chosen.location], select(priors, chosen.location))
            boxes = boxes.clamp(min=0).minimum(batch.sizes[number].flip(0).repeat(2))
            if rescale:
                boxes = boxes / batch.scale_factors[number].repeat(2)
            found.append(suppress(boxes, chosen, config))
        return found

    @torch.no_grad()
    def quality_pairs(self, output: HeadOutput, batch: Batch) -> QualityPairs:
        """Predicted quality and real IoU at the positives that the assigner finds in ``batch`` (Table 10)."""
        _, positives = self._match(output, batch)
        return QualityPairs(self.quality.predicted(output, positives), positives.iou)

    def _match(self, output: HeadOutput, batch: Batch) -> tuple[Assignment, Positives]:
        priors = self._priors(batch)
        assignment = self.assigner.assign(priors, batch.instances, batch.padded_sizes)
        return assignment, gather(output, priors, batch.instances, assignment, self.box)

    def _priors(self, batch: Batch) -> Priors:
        height, width = batch.images.shape[-2:]
        prior = self.config.prior
        return priors_for(level_sizes(height, width, prior.strides), prior, batch.images.device)
