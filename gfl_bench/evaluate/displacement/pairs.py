"""Pairs of a negative and a positive in the wrong order, and which score put them so (docs/displacements.md)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from gfl_bench.models.iou import coverage, iou

POSITIVE_IOU = 0.5  # AP50's


@dataclass
class Rivals:
    """M candidates of one image, as they rank."""

    label: Tensor  # [M] int64
    score: Tensor  # [M], what NMS ranks by
    class_score: Tensor  # [M], what it would be were every quality 1
    quality: Tensor  # [M] in [0, 1]

    def __getitem__(self, which: Tensor) -> Rivals:
        return Rivals(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass
class Truth:
    """The ground truth of one image in the candidates' pixels."""

    boxes: Tensor  # [G, 4]
    labels: Tensor  # [G] int64
    ignored: Tensor  # [I, 4] crowds

    def overlap(self, boxes: Tensor, label: Tensor) -> Tensor:
        """[M, G + 1] IoU of ``boxes`` [M, 4] with each object, 0 where it is not of the class ``label`` [M].

        The last column, of no object, is 0.
        """
        overlap = iou(boxes[:, None], self.boxes) * (label[:, None] == self.labels)
        return torch.cat([overlap, overlap.new_zeros(len(boxes), 1)], dim=1)

    def covers(self, boxes: Tensor) -> Tensor:
        """[M] bool: at least half of the box lies in a crowd, of whatever class."""
        return (coverage(boxes[:, None], self.ignored) >= POSITIVE_IOU).any(dim=1)


@dataclass
class Displacements:
    """Which of the pairs of a negative [N] and a positive [K] are displaced, [N, K] bool."""

    all: Tensor
    by_quality: Tensor  # of these, solely by the quality: the class score does not speak for the negative
    by_class: Tensor  # solely by the class score: the quality does not speak for the negative

    def counts(self) -> Tensor:
        """[3] int64, of ``all``, ``by_quality`` and ``by_class``."""
        return torch.stack([self.all.sum(), self.by_quality.sum(), self.by_class.sum()])


def displacements(negatives: Rivals, positives: Rivals) -> Displacements:
    """Pairs of one class whose negative has the higher score.

    The score rises with class score and quality, so a displaced pair is wrong by one of them or by both. Equal
    scores displace nothing.
    """
    one_class = negatives.label[:, None] == positives.label
    displaced = one_class & (negatives.score[:, None] > positives.score)
    return Displacements(
        displaced,
        displaced & (negatives.class_score[:, None] <= positives.class_score),
        displaced & (negatives.quality[:, None] <= positives.quality),
    )


def leading(score: Tensor, overlap: Tensor) -> Tensor:
    """Indices of the leading positive of each object that has one: of those that overlap it most, the best score.

    Args:
        score: [M].
        overlap: [M, G + 1] of ``Truth.overlap``.
    """
    if len(score) == 0:
        return torch.zeros(0, dtype=torch.int64, device=score.device)
    own = overlap.argmax(dim=1, keepdim=True) == torch.arange(overlap.shape[1], device=overlap.device)
    own &= overlap >= POSITIVE_IOU
    return score[:, None].where(own, -1).argmax(dim=0)[own.any(dim=0)]


def demoted(negatives: Tensor, positives: Tensor, by_quality: Tensor) -> Tensor:
    """Scores [N] of negatives, lowered behind every positive that they pass solely by their quality.

    Args:
        negatives, positives: scores [N] and [K].
        by_quality: [N, K] bool.
    """
    if by_quality.shape[1] == 0:
        return negatives
    behind = positives.where(by_quality, torch.inf).amin(dim=1)
    return negatives.minimum(behind.nextafter(torch.zeros_like(behind)))
