"""A one-stage detector out of parts, and the one place where its loss is put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.config.schema import BoxNormaliser
from gfl_bench.models.assigners.assignment import Assigner, Assignment
from gfl_bench.models.box import BoxDistribution
from gfl_bench.models.normalisers import COUNTS, Reduce, alone, sums
from gfl_bench.models.positives import Positives, gather
from gfl_bench.models.postprocess import Candidates, choose, suppress
from gfl_bench.models.priors import level_sizes, priors_for, select
from gfl_bench.models.quality import QualityRepresentation
from gfl_bench.structures import Batch, Detections, HeadOutput, Logits, Priors, Probabilities, QualityPairs

_EPS = torch.finfo(torch.float32).eps  # added to every normaliser, as in the reference


class Detector(nn.Module):
    """Images to boxes. Losses and decoding are float32, also under autocast."""

    def __init__(
        self, config: schema.DetectorConfig, backbone: nn.Module, neck: nn.Module, head: nn.Module,
        box: BoxDistribution, quality: QualityRepresentation, assigner: Assigner,
    ) -> None:  # fmt: skip
        super().__init__()
        self.backbone, self.neck, self.head, self.box = backbone, neck, head, box
        self.config, self.quality, self.assigner = config, quality, assigner

    def forward(self, images: Tensor) -> HeadOutput:
        """[B, 3, H, W] normalised -> what the head says at the P priors of each image."""
        output: HeadOutput = self.head(self.neck(self.backbone(images)))
        return output

    def loss(self, output: HeadOutput, batch: Batch, reduce: Reduce = alone) -> dict[str, Tensor]:
        """The terms of Eq. 15, scalars to be added up; all finite and differentiable also without any ground truth.

        ``loss_quality`` (joint score) or ``loss_cls`` (and ``loss_aux`` of a branch) are divided by the number of
        positives as the config's ``count`` has it; ``loss_box`` and ``loss_dfl`` as its ``box_normaliser`` says, by
        the sum of the positives' box weights, at least ``box_normaliser_min``.

        Args:
            reduce: adds up normalisers over all processes; the terms of all then add up to those of the whole batch.
        """
        with torch.autocast(output.cls.device.type, enabled=False):
            assignment, positives = self.match(output, batch)
            box_weight = self.quality.box_weight(output, positives)
            *counts, total = reduce(sums(assignment.positives, box_weight)).unbind()
            count = COUNTS[self.config.count](*counts)
            if self.config.box_normaliser is BoxNormaliser.count and self.quality.weighs_evenly:
                total = count
            quality = self.quality.losses(output, positives, assignment.learns.flatten() / (count + _EPS), reduce)
            boxes = self.box.losses(positives.raw, positives.boxes, positives.target, positives.priors)
            box_weight = box_weight / (total.clamp(min=self.config.box_normaliser_min) + _EPS)
            terms = quality | {name: (loss * box_weight).sum() for name, loss in boxes.items()}
            return terms | self.further_losses(output, batch, positives, reduce)

    def further_losses(
        self, output: HeadOutput, batch: Batch, positives: Positives, reduce: Reduce
    ) -> dict[str, Tensor]:
        """What a detector with more than one stage learns besides, by the name of the loss; normalised."""
        return {}

    @torch.no_grad()
    def predict(self, output: HeadOutput, batch: Batch, rescale: bool = True) -> list[Detections]:
        """The detections of each image, in pixels of the original image, or with ``rescale`` off of the resized one."""
        return [self.suppress(boxes, chosen) for boxes, chosen in self.candidates(output, batch, rescale)]

    def candidates(
        self, output: HeadOutput, batch: Batch, rescale: bool = True
    ) -> Iterator[tuple[Tensor, Candidates]]:
        """What NMS is given of each image: boxes [M, 4], in pixels as ``predict`` has them, and where they are from."""
        priors = self.priors(batch)
        chosen, counts = choose(*self.ranking(output), priors.lengths, self.config.postprocess)
        image, location = chosen.location // len(priors), chosen.location % len(priors)
        boxes = self.decode(output, chosen.location, select(priors, location))
        frames = batch.frame(torch.arange(len(batch.sizes), device=boxes.device))
        boxes = _clip(boxes, frames, image, self.config.postprocess.margin)
        if rescale:
            boxes = batch.to_original(boxes, image)
        return zip(boxes.split(counts), replace(chosen, location=location).split(counts), strict=True)

    def ranking(self, output: HeadOutput) -> tuple[Probabilities, Probabilities | None]:
        """Scores [B, P, C] that thresholds and top-k see, and a factor [B, P, 1] on those that NMS sees, if any."""
        return self.quality.class_scores(output), self.quality.factor(output)

    def decode(self, output: HeadOutput, row: Tensor, priors: Priors) -> Tensor:
        """Boxes [K, 4] in pixels at ``row`` [K] of the B * P locations of a batch, whose priors are ``priors`` [K]."""
        return self.box.decode(output.box.flatten(0, 1).index_select(0, row), priors)

    def suppress(self, boxes: Tensor, chosen: Candidates) -> Detections:
        """The detections among the candidates of an image, whose boxes are ``boxes`` [M, 4]."""
        return suppress(boxes, chosen, self.config.postprocess)

    def class_scores_at(self, output: HeadOutput, row: Tensor) -> Tensor:
        """[K, C] at ``row`` [K] of the B * P locations, before any guidance's or branch's factor."""
        return self.quality.probabilities(Logits(output.cls.flatten(0, 1)[row]), None)

    def quality_scores(self, output: HeadOutput) -> Tensor:
        """What is said of a location's box: the branch's [B, P, 1], else the score [B, P, C], joint or the class's."""
        factor = self.quality.factor(output)
        return self.quality.class_scores(output) if factor is None else factor

    @torch.no_grad()
    def quality_pairs(self, output: HeadOutput, batch: Batch) -> QualityPairs:
        """Predicted quality and real IoU at the positives that the assigner finds in ``batch`` (Table 10)."""
        return self.rated(output, self.match(output, batch)[1])

    def rated(self, output: HeadOutput, positives: Positives) -> QualityPairs:
        """The same of ``positives``."""
        return QualityPairs(self.quality.predicted(output, positives), positives.iou)

    def match(self, output: HeadOutput, batch: Batch) -> tuple[Assignment, Positives]:
        """Which prior learns which ground truth, and the positives among them."""
        priors = self.priors(batch)
        assignment = self.assigner.assign(priors, batch.instances, batch.padded_sizes)
        return assignment, gather(output, priors, batch.instances, assignment, self.decode)

    def priors(self, batch: Batch) -> Priors:
        """The priors [P] of every image of ``batch``."""
        height, width = batch.images.shape[-2:]
        prior = self.config.prior
        return priors_for(level_sizes(height, width, prior.strides), prior, batch.images.device)


def _clip(boxes: Tensor, frames: Tensor, image: Tensor, margin: float) -> Tensor:
    """``boxes`` [M, 4] of the images ``image`` [M] within their ``frames`` [B, 4], ``margin`` from right and bottom."""
    corners = frames.unflatten(1, (2, 1, 2)).expand(-1, -1, 2, -1).flatten(2)  # [B, 2, 4] each twice
    first, last = corners.index_select(0, image).unbind(1)
    return boxes.maximum(first).minimum(last - margin)
