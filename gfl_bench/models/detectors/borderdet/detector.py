"""BorderDet (Qiu et al., 2020): FCOS, and a second look at each box from features along its borders.

Where the paper leaves a number open it is the released code's (Megvii-BaseDetection/cvpods, meta_arch/borderdet.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.config.schema import Tower
from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.assigners.claims import award, blocks, claimed, joined
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.borderdet.border_align import BorderFeatures
from gfl_bench.models.guidance import Guidance
from gfl_bench.models.heads import Head, HeadShape, Said, locations_last
from gfl_bench.models.iou import iou
from gfl_bench.models.normalisers import Reduce
from gfl_bench.models.positives import Positives, gather
from gfl_bench.structures import Batch, HeadOutput, Instances, Logits, Priors, Probabilities, QualityPairs


@dataclass
class BorderOutput(HeadOutput):
    """``HeadOutput`` is the first stage's."""

    border_cls: Logits  # [B, P, C]
    border_box: Tensor  # [B, P, 4]: how far each side (x1, y1, x2, y2) of the first box is off, see ``BorderDetector``


class BorderHead(Head):
    """FCOS's head; its towers' features at the borders of its boxes then say classes and boxes again.

    The module of the box has half the channels of that of the class: 128 and 256, as released.
    """

    output = BorderOutput

    def __init__(
        self, config: schema.HeadConfig, shape: HeadShape, guidance: Guidance | None,
        distances: Callable[[Tensor], Tensor],
    ) -> None:  # fmt: skip
        super().__init__(config, shape, guidance, distances)
        channels = self.cls.in_channels
        self.border_cls_features = BorderFeatures(channels, channels)
        self.border_box_features = BorderFeatures(channels, channels // 2)
        self.border_cls = nn.Conv2d(channels, shape.classes, 1)
        self.border_box = nn.Conv2d(channels, 4, 1)

    def _level(self, x: Tensor, level: int) -> Said:
        features = self._features(x)
        first = self._say(features, level)
        distances = self.locate(first[1].unflatten(-1, (4, -1)))  # in strides, which are the level's cells
        border_cls = self.border_cls(self.border_cls_features(features[Tower.cls], distances))
        border_box = self.border_box(self.border_box_features(features[Tower.box], distances))
        return *first, locations_last(border_cls), locations_last(border_box)


class BorderDetector(Detector):
    """A location's final box is its first one, (x1, y1, x2, y2), plus border offsets times its size times ``std``.

    The border stage learns at every location whose first box overlaps a ground truth enough, wherever the location
    lies, and is normalised by its own positives: ``loss_border_cls`` is focal loss and ``loss_border_box`` L1 on the
    offsets. No gradient flows through the first box. With ``quality=joint`` the border's class score learns the joint
    score too, of the final box's IoU: the least change that gives the product of the two one meaning. The other
    qualities, and guidance, are the first stage's.
    """

    config: schema.BorderDet

    def match(self, output: HeadOutput, batch: Batch) -> tuple[Assignment, Positives]:
        """FCOS's assignment, and the positives with their first boxes."""
        priors = self.priors(batch)
        assignment = self.assigner.assign(priors, batch.instances, batch.padded_sizes)
        return assignment, gather(output, priors, batch.instances, assignment, super().decode)

    def decode(self, output: HeadOutput, row: Tensor, priors: Priors) -> Tensor:
        """Final boxes [K, 4] in pixels at ``row`` [K]."""
        first = super().decode(output, row, priors).detach()
        return first + _stages(output).border_box.flatten(0, 1).index_select(0, row) * self._unit(first)

    def further_losses(
        self, output: HeadOutput, batch: Batch, positives: Positives, reduce: Reduce
    ) -> dict[str, Tensor]:
        """``loss_border_cls`` and ``loss_border_box``."""
        priors, instances = self.priors(batch), batch.instances
        boxes = self.box.decode(output.box, priors).detach()
        assignment = assign_by_boxes(boxes, priors, instances, self.config.border.iou)
        bordered = gather(output, priors, instances, assignment, self.decode)
        count = reduce(assignment.positives.sum(dim=0, keepdim=True).float()).clamp(min=1)
        first = boxes.flatten(0, 1)[bordered.row]
        error = (bordered.boxes - bordered.target) / self._unit(first)
        second = replace(output, cls=_stages(output).border_cls, aux=None, guide=None)
        return {
            "loss_border_cls": self.quality.class_losses(second, bordered).sum() / count.squeeze(0),
            "loss_border_box": error.abs().sum() / count.squeeze(0),
        }

    def _unit(self, boxes: Tensor) -> Tensor:
        """[K, 4] pixels of a border offset of 1."""
        return (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2) * self.config.border.std

    def ranking(self, output: HeadOutput) -> tuple[Probabilities, None]:
        """Final scores [B, P, C], 0 where the first stage's is not above its threshold."""
        first = self._first_scores(output)
        passed = first > self.config.border.score_threshold
        return Probabilities(self._final_scores(output, first).where(passed, 0)), None

    def _first_scores(self, output: HeadOutput) -> Tensor:
        """[B, P, C]: the geometric mean of class score and branch, as released; the class score without a branch."""
        scores, factor = self.quality.class_scores(output), self.quality.factor(output)
        return scores if factor is None else (scores * factor).sqrt()

    def _final_scores(self, output: HeadOutput, first: Tensor) -> Tensor:
        """The geometric mean of both stages' scores. The paper multiplies them; the root is the released code's."""
        return (first * _stages(output).border_cls.sigmoid()).sqrt()

    def class_scores_at(self, output: HeadOutput, row: Tensor) -> Tensor:
        """The geometric mean of both stages' class scores."""
        border = _stages(output).border_cls.flatten(0, 1)[row].sigmoid()
        return (super().class_scores_at(output, row) * border).sqrt()

    def quality_scores(self, output: HeadOutput) -> Tensor:
        """The branch's, or else the final scores."""
        factor = self.quality.factor(output)
        return self._final_scores(output, self._first_scores(output)) if factor is None else factor

    def rated(self, output: HeadOutput, positives: Positives) -> QualityPairs:
        """Of the final boxes: a branch's quality, or else the final score at the ground truth's class."""
        boxes = self.decode(output, positives.row, positives.priors)
        predicted = self.quality.predicted(output, positives)
        if self.quality.factor(output) is None:
            predicted = self.quality_scores(output).flatten(0, 1)[positives.row, positives.label]
        return QualityPairs(predicted, iou(boxes, positives.target))


def assign_by_boxes(boxes: Tensor, priors: Priors, instances: Instances, threshold: float) -> Assignment:
    """Each location learns the ground truth that its own box overlaps most, if the IoU is at least ``threshold``.

    Args:
        boxes: [B, P, 4] pixels.
    """
    found, overlaps = [], []
    for _, part in blocks(priors, len(instances)):
        overlap = iou(boxes[:, part][instances.image], instances.boxes[:, None])
        found.append(claimed(overlap >= threshold, part))
        overlaps.append(overlap[overlap >= threshold])
    claims, overlap = joined(found), torch.cat(overlaps)
    slot = instances.image[claims.gt] * len(priors) + claims.prior
    highest = overlap.new_zeros(boxes.shape[:2].numel()).scatter_reduce_(0, slot, overlap, "amax")
    order = torch.arange(len(instances), device=boxes.device)  # the first of equals
    return Assignment(award(claims[overlap == highest[slot]], order, instances.image, boxes.shape[:2]))


def _stages(output: HeadOutput) -> BorderOutput:
    if not isinstance(output, BorderOutput):
        raise TypeError("the head says nothing of borders: build head and detector from one config")
    return output
