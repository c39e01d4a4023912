"""From scores at every location to the detections of an image: threshold, rank, NMS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torchvision.ops import batched_nms, nms

from gfl_bench.config.schema import PostProcessConfig, Ranking
from gfl_bench.structures import Detections, Probabilities, have_area

_OFFSET_TRICK_LIMIT = 10000  # boxes; beyond, the reference goes through the classes one by one


@dataclass
class Candidates:
    """M pairs of a location and a class in one image, level by level; or of the images of a batch, one by one."""

    location: Tensor  # [M] int64; of a batch it counts the B * P locations
    label: Tensor  # [M] int64
    score: Tensor  # [M] float32

    def split(self, counts: list[int]) -> Iterator[Candidates]:
        """The first ``counts[0]``, the next ``counts[1]`` and so on."""
        parts = zip(*(part.split(counts) for part in (self.location, self.label, self.score)), strict=True)
        return (Candidates(*part) for part in parts)


def choose(
    scores: Probabilities, factor: Probabilities | None, lengths: list[int], config: PostProcessConfig
) -> tuple[Candidates, list[int]]:
    """The pairs that go on to NMS: class score above the threshold, and among the best of their image's level.

    Args:
        scores: [B, P, C], what the threshold is compared with.
        factor: [B, P, 1] >= 0, multiplied into the scores of the chosen, or None. It may lower them below the
            threshold.
        lengths: locations of each level, P in all.

    Returns:
        Those of all images, and how many are each image's.
    """
    row, label, counts = _RANKS[config.rank](scores, factor, lengths, config)
    score = scores.flatten(0, 1)[row, label]
    return Candidates(row, label, score if factor is None else score * factor.flatten()[row]), counts


def _best_pairs(
    scores: Tensor, factor: Tensor | None, lengths: list[int], config: PostProcessConfig
) -> tuple[Tensor, Tensor, list[int]]:
    """mmdetection 3: of all pairs above the threshold the best ``candidates`` of each level."""
    flat = scores.flatten(0, 1)
    row, label = (flat > config.score_threshold).nonzero(as_tuple=True)
    counts = _count(row, lengths * len(scores)).view(len(scores), -1)
    if int(counts.max()) > config.candidates:
        best = _best_of_runs(flat[row, label], counts, config.candidates)
        row, label = row[best], label[best]
    return row, label, counts.clamp(max=config.candidates).sum(dim=1).tolist()


def _best_of_runs(scores: Tensor, counts: Tensor, wanted: int) -> Tensor:
    """Indices of the ``wanted`` best of each run of ``scores`` [M], best first; in an image of short runs as they are.

    Args:
        counts: [B, L], lengths of the runs: of each image its levels'.
    """
    runs, levels = _without_ties(scores).split(counts.flatten().tolist()), counts.shape[1]
    tables = [pad_sequence(runs[level::levels], batch_first=True) for level in range(levels)]
    best = torch.cat([table.topk(min(wanted, table.shape[1]), dim=1).values for table in tables], dim=1)
    from_end = best & 0xFFFFFFFF
    short = counts.amax(dim=1, keepdim=True) <= wanted
    from_end = from_end.sort(dim=1, descending=True).values.where(short, from_end)
    return len(scores) - from_end[from_end > 0]


def _without_ties(scores: Tensor) -> Tensor:
    """[M] int64 > 0 in the order of ``scores`` [M] >= 0, equals from the first on, as a stable sort has them.

    Else what fills a run up to the length of another image's would decide between equals. The upper half are the
    score's bits, which order floats from 0; the lower is how far the end is.
    """
    return (scores.view(torch.int32).long() << 32) + torch.arange(len(scores), 0, -1, device=scores.device)


def _best_locations(
    scores: Tensor, factor: Tensor | None, lengths: list[int], config: PostProcessConfig
) -> tuple[Tensor, Tensor, list[int]]:
    """mmdetection 2: the pairs above the threshold at each level's ``candidates`` locations of best final score."""
    best = scores.amax(dim=2) if factor is None else scores.amax(dim=2) * factor.squeeze(2)
    chosen, first = [], torch.arange(len(scores), device=scores.device)[:, None] * sum(lengths)
    for level in best.split(lengths, dim=1):
        chosen.append(first + level.topk(min(config.candidates, level.shape[1]), dim=1).indices)
        first = first + level.shape[1]
    rows = torch.cat(chosen, dim=1)
    place, label = (scores.flatten(0, 1)[rows.flatten()] > config.score_threshold).nonzero(as_tuple=True)
    return rows.flatten()[place], label, _count(place, [rows.shape[1]] * len(scores)).tolist()


_RANKS = {Ranking.pairs: _best_pairs, Ranking.locations: _best_locations}


def _count(ascending: Tensor, lengths: list[int]) -> Tensor:
    """How many of ``ascending`` [M] int64 lie in each of the ranges of ``lengths`` that follow each other from 0."""
    ends = torch.tensor(lengths, device=ascending.device).cumsum(0)
    return torch.searchsorted(ascending, ends).diff(prepend=ends.new_zeros(1))


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
