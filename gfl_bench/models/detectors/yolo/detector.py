"""YOLO: what finds an object well enough, but is not the one to learn it, need not say that there is none."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.assigners.assignment import IGNORED, NEGATIVE, Assignment
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.yolo.distance_nms import distance_nms
from gfl_bench.models.iou import iou
from gfl_bench.models.positives import Positives
from gfl_bench.models.postprocess import Candidates
from gfl_bench.structures import Batch, Detections, HeadOutput, have_area


class YOLO(Detector):
    """Negatives whose predicted box overlaps some ground truth of its image by more than ``ignore_iou`` learn nothing.

    YOLOv4's must also say some class with more than ``ignore_class_score`` (darknet's ``compare_yolo_class``).
    """

    def match(self, output: HeadOutput, batch: Batch) -> tuple[Assignment, Positives]:
        assignment, positives = super().match(output, batch)
        gt_index = assignment.gt_index
        ignored = (gt_index == NEGATIVE) & self._finds_one(output, batch)
        return Assignment(gt_index.masked_fill(ignored, IGNORED)), positives

    def suppress(self, boxes: Tensor, chosen: Candidates) -> Detections:
        config = cast(schema.YOLO, self.config)
        power, limits = config.nms_distance_power, config.postprocess
        if power is None:
            return super().suppress(boxes, chosen)
        kept = have_area(boxes).nonzero().squeeze(1)
        best = kept[distance_nms(boxes[kept], chosen.score[kept], chosen.label[kept], limits.nms_iou, power)]
        best = best[: limits.max_detections]
        return Detections(boxes[best], chosen.score[best], chosen.label[best], chosen.location[best])

    @torch.no_grad()
    def _finds_one(self, output: HeadOutput, batch: Batch) -> Tensor:
        """[B, P] bool."""
        config, truths = cast(schema.YOLO, self.config), batch.instances
        boxes = self.box.decode(output.box, self.priors(batch))
        overlaps = iou(boxes[truths.image], truths.boxes[:, None]) > config.ignore_iou
        count = torch.zeros(boxes.shape[:2], dtype=torch.int64, device=boxes.device)
        found = count.index_add_(0, truths.image, overlaps.long()) > 0
        return found & (output.cls.amax(dim=-1).sigmoid() > config.ignore_class_score)
