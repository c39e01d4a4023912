"""From scores at every location to the detections of an image: threshold, rank, NMS."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import batched_nms, nms

from gfl_bench.config.schema import PostProcessConfig, Ranking
from gfl_bench.structures import Detections, Probabilities, have_area

_OFFSET_TRICK_LIMIT = 10000  # boxes; beyond, the reference goes through the classes one by one


@dataclass
class Candidates:
    """M pairs of a location and a class in one image, level by level."""

    location: Tensor  # [M] int64
    label: Tensor  # [M] int64
    score: Tensor  # [M] float32


def choose(
    scores: Probabilities, factor: Probabilities | None, lengths: list[int], config: PostProcessConfig
) -> Candidates:
    """The pairs that go on to NMS: class score above the threshold, and among the best of their level.

    Args:
        scores: [P, C], what the threshold is compared with.
        factor: [P, 1], multiplied into the scores of the chosen, or None. It may lower them below the threshold.
        lengths: locations of each level, P in all.
    """
    location, label, score = _RANKS[config.rank](scores, factor, lengths, config)
    return Candidates(location, label, score if factor is None else score * factor[location, 0])


def _best_pairs(
    scores: Tensor, factor: Tensor | None, lengths: list[int], config: PostProcessConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """mmdetection 3: of all pairs above the threshold the best ``candidates`` of each level."""
    location, label = (scores > config.score_threshold).nonzero(as_tuple=True)
    score = scores[location, label]
    ends = torch.tensor(lengths, device=scores.device).cumsum(0)
    counts = torch.searchsorted(location, ends).diff(prepend=ends.new_zeros(1)).tolist()
    if max(counts) > config.candidates:
        best = _best_of_each(score, counts, config.candidates)
        location, label, score = location[best], label[best], score[best]
    return location, label, score


def _best_locations(
    scores: Tensor, factor: Tensor | None, lengths: list[int], config: PostProcessConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """mmdetection 2: the pairs above the threshold at each level's ``candidates`` locations of best final score."""
    best = scores.amax(dim=1) if factor is None else (scores * factor).amax(dim=1)
    chosen = _best_of_each(best, lengths, config.candidates)
    location, label = (scores[chosen] > config.score_threshold).nonzero(as_tuple=True)
    return chosen[location], label, scores[chosen[location], label]


_RANKS = {Ranking.pairs: _best_pairs, Ranking.locations: _best_locations}


def _best_of_each(values: Tensor, lengths: list[int], count: int) -> Tensor:
    """Indices of the ``count`` largest of each run of ``lengths`` in ``values`` [sum of lengths]."""
    chosen, first = [], 0
    for run in values.split(lengths):
        chosen.append(first + run.topk(min(count, len(run))).indices)
        first += len(run)
    return torch.cat(chosen)


def suppress(boxes: Tensor, candidates: Candidates, config: PostProcessConfig) -> Detections:
    """Class-wise NMS: the best ``max_detections`` of ``boxes`` [M, 4], those of ``candidates``, best first."""
    score, label, location = candidates.score, candidates.label, candidates.location
    if config.rank is Ranking.pairs and not config.keep_empty:
        kept = have_area(boxes)
        boxes, score, label, location = boxes[kept], score[kept], label[kept], location[kept]
    best = class_wise_nms(boxes, score, label, config.nms_iou)[: config.max_detections]
    return Detections(boxes[best], score[best], label[best], location[best])


def class_wise_nms(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Indices [D] int64 of the boxes [M, 4] that no better box of their class overlaps by more than ``threshold``.

    The classes are moved apart by offsets, as in the reference, whose rounding (to 0.008 pixels at 80 classes) is kept;
    torchvision's own ``batched_nms`` does so up to 1,000 boxes on a CPU only.
    """
    if len(boxes) == 0:
        return labels
    if len(boxes) >= _OFFSET_TRICK_LIMIT:
        return batched_nms(boxes, scores, labels, threshold)
    offset = labels.to(boxes.dtype) * (boxes.max() + 1)
    return nms(boxes + offset[:, None], scores, threshold)
