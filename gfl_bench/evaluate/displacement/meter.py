"""Counts displacements while a detector is evaluated, and re-ranks its candidates to see what they cost."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gfl_bench.config.schema import PostProcessConfig
from gfl_bench.evaluate.displacement.ap50 import AveragePrecision50
from gfl_bench.evaluate.displacement.candidates import rivals_of
from gfl_bench.evaluate.displacement.pairs import POSITIVE_IOU, Rivals, Truth, demoted, displacements, leading
from gfl_bench.evaluate.displacement.shares import shares
from gfl_bench.models.detector import Detector
from gfl_bench.models.postprocess import class_wise_nms
from gfl_bench.structures import Batch, Detections, HeadOutput

_FIRST = 6  # times the detections wanted: candidates that NMS looks at before it looks at all
_RANKINGS = ("actual", "demoted", "leading_demoted", "class_alone", "true_iou")


class DisplacementMeter:
    """An observer. Only detectors that multiply a quality into their class score have displacements by quality."""

    def __init__(self) -> None:
        self.separate = False
        self._counts: list[Tensor] = []  # [2, 3] an image: of all positives and of the leading ones
        self._objects: list[Tensor] = []  # labels [G] an image
        self._rankings = {name: AveragePrecision50() for name in _RANKINGS}

    @torch.no_grad()
    def see(self, detector: Detector, output: HeadOutput, batch: Batch, found: list[Detections]) -> None:
        if output.aux is None and output.guide is None:
            return
        self.separate = output.aux is not None
        seen = [self._image(*image, detector.config.postprocess) for image in rivals_of(detector, output, batch)]
        self._counts.append(torch.stack(seen).cpu())
        self._objects.append(batch.instances.labels.cpu())

    def _image(self, boxes: Tensor, rivals: Rivals, truth: Truth, config: PostProcessConfig) -> Tensor:
        """[2, 3] counts of an image, whose candidates' boxes are ``boxes`` [M, 4]; its rankings are kept."""
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
        for name, score in rankings.items():
            found = _detect(boxes, rivals.label, score, config)
            self._rankings[name].add(score[found], rivals.label[found], overlap[found], in_crowd[found])
        return torch.stack(counts)

    def to_dict(self) -> dict[str, float | int | None]:
        """See docs/displacements.md; empty for a detector without a quality of its own."""
        if not self._counts:
            return {}
        counts = torch.cat(self._counts).numpy()
        objects = np.bincount(torch.cat(self._objects).numpy())
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
