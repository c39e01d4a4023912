"""Counts displacements while a detector is evaluated, and re-ranks its candidates to see what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfl_bench.config.schema import PostProcessConfig
from gfl_bench.evaluate.displacement.ap50 import AveragePrecision50, Ranked
from gfl_bench.evaluate.displacement.candidates import rivals_of
from gfl_bench.evaluate.displacement.pairs import POSITIVE_IOU, Rivals, Truth, demoted, displacements, leading
from gfl_bench.evaluate.displacement.shares import shares
from gfl_bench.evaluate.observer import Observer
from gfl_bench.models.detector import Detector
from gfl_bench.models.postprocess import class_wise_nms
from gfl_bench.structures import Batch, Detections, HeadOutput

_FIRST = 6  # times the detections wanted: candidates that NMS looks at before it looks at all
_RANKINGS = ("actual", "demoted", "leading_demoted", "class_alone", "true_iou")


@dataclass
class _Note:
    """Of the B images of a batch."""

    separate: bool  # whether a branch says the quality
    counts: NDArray[np.int64]  # [B, 2, 3], of all positives and of the leading ones
    objects: NDArray[np.int64]  # labels of their ground truths
    rankings: list[dict[str, Ranked]]  # of each image, by name


class DisplacementMeter(Observer):
    """Only detectors that multiply a quality into their class score have displacements by quality."""

    def __init__(self) -> None:
        self.separate = False
        self._counts: list[NDArray[np.int64]] = []
        self._objects: list[NDArray[np.int64]] = []
        self._rankings = {name: AveragePrecision50() for name in _RANKINGS}

    @torch.no_grad()
    def look(self, detector: Detector, output: HeadOutput, batch: Batch, found: list[Detections]) -> _Note | None:
        if output.aux is None and output.guide is None:
            return None
        seen = [self._image(*image, detector.config.postprocess) for image in rivals_of(detector, output, batch)]
        counts = torch.stack([counts for counts, _ in seen]).cpu().numpy()
        labels = batch.instances.labels.cpu().numpy()
        return _Note(output.aux is not None, counts, labels, [rankings for _, rankings in seen])

    def take(self, note: _Note | None) -> None:
        if note is None:
            return
        self.separate = note.separate
        self._counts.append(note.counts)
        self._objects.append(note.objects)
        for image in note.rankings:
            for name, ranked in image.items():
                self._rankings[name].add(ranked)

    def _image(
        self, boxes: Tensor, rivals: Rivals, truth: Truth, config: PostProcessConfig
    ) -> tuple[Tensor, dict[str, Ranked]]:
        """Counts [2, 3] and rankings of an image, whose candidates' boxes are ``boxes`` [M, 4]."""
        overlap, in_crowd = truth.overlap(boxes, rivals.label), truth.covers(boxes)
        best = overlap.amax(dim=1)
        negative = ((best < POSITIVE_IOU) & ~in_crowd).nonzero().squeeze(1)
        positive = (best >= POSITIVE_IOU).nonzero().squeeze(1)
        rankings = {"actual": rivals.score, "class_alone": rivals.class_score, "true_iou": rivals.class_score * best}
        negatives, counts = rivals[negative], []
        for name, others in (("demoted", positive), ("leading_demoted", leading(rivals.score, overlap))):
            positives = rivals[others]
            pairs = displacements(negatives, positives)
            lowered = demoted(negatives.score, positives.score, pairs.by_quality)
            rankings[name] = rivals.score.index_put((negative,), lowered)
            counts.append(pairs.counts())
        ranked = {}
        for name, score in rankings.items():
            found = _detect(boxes, rivals.label, score, config)
            ranked[name] = Ranked.of(score[found], rivals.label[found], overlap[found], in_crowd[found])
        return torch.stack(counts), ranked

    def to_dict(self) -> dict[str, float | int | None]:
        """See docs/displacements.md; empty for a detector without a quality of its own."""
        if not self._counts:
            return {}
        counts = np.concatenate(self._counts)
        objects = np.bincount(np.concatenate(self._objects))
        ap50 = {name: ranking.value(objects) for name, ranking in self._rankings.items()}
        return {
            "separate": int(self.separate),
            **shares(counts[:, 0]),
            "ap50_cost": _difference(ap50["demoted"], ap50["actual"]),
            **{f"leading_{name}": value for name, value in shares(counts[:, 1]).items()},
            "leading_ap50_cost": _difference(ap50["leading_demoted"], ap50["actual"]),
            "ap50_class_alone": _difference(ap50["class_alone"], ap50["actual"]),
            "ap50_true_iou": _difference(ap50["true_iou"], ap50["actual"]),
        }


def _detect(boxes: Tensor, label: Tensor, score: Tensor, config: PostProcessConfig) -> Tensor:
    """Indices [D] of the candidates [M] that NMS leaves; it need only look at the best while these are enough.

    Those of score 0 come last and find nothing new, which moves no AP50: they are left out.
    """
    count = int(score.count_nonzero())
    for first in (_FIRST * config.max_detections, count):
        best = score.topk(min(first, count)).indices
        kept = class_wise_nms(boxes[best], score[best], label[best], config.nms_iou)[: config.max_detections]
        if first >= count or len(kept) == config.max_detections:
            break
    return best[kept]


def _difference(value: float | None, base: float | None) -> float | None:
    return None if value is None or base is None else value - base
