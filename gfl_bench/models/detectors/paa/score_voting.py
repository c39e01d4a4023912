"""Score voting (Kim & Lee, 2020): where a detection lies is put to the vote of the candidates around it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gfl_bench.models.iou import iou
from gfl_bench.models.postprocess import Candidates
from gfl_bench.structures import Detections

_AROUND = 0.01  # IoU above which a candidate has a vote
_SIGMA = 0.025  # spread of the votes' weights


def vote(detections: Detections, boxes: Tensor, candidates: Candidates) -> Detections:
    """``detections`` with the mean boxes of the candidates of their class that NMS was given.

    A candidate weighs score * exp(-(1 - IoU)^2 / 0.025), its IoU with the detection being above 0.01 (Eq. 12). A
    detection that nothing overlaps, not even itself since it has no area, stays as it is.

    Args:
        boxes: [M, 4] of ``candidates``, in the same pixels.
    """
    if len(detections.labels) == 0:
        return detections
    voter, valid = _of_class(candidates.label, detections.labels)
    theirs = boxes[voter]
    overlap = iou(detections.boxes[:, None], theirs)
    weight = (-(1 - overlap).square() / _SIGMA).exp() * candidates.score[voter]
    weight = weight * (valid & (overlap > _AROUND))
    total = weight.sum(dim=1, keepdim=True)
    mean = (weight[:, None] @ theirs).squeeze(1) / total
    return replace(detections, boxes=mean.where(total > 0, detections.boxes))


def _of_class(labels: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Candidates [D, W] of the class of each detection, W the most of any, and which of them are real.

    Args:
        labels: [M] int64 of the candidates.
        wanted: [D] int64 of the detections, each the label of some candidate.
    """
    ordered, order = labels.sort()
    first, end = torch.searchsorted(ordered, wanted), torch.searchsorted(ordered, wanted, right=True)
    place = first[:, None] + torch.arange(int((end - first).max()), device=labels.device)
    return order[place.clamp(max=len(order) - 1)], place < end[:, None]
