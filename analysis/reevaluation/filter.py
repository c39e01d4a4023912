"""A stricter post-processing of detections that were stored after NMS."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask

from analysis.reevaluation.stored import Found, ReevaluationError, section


@dataclass(frozen=True)
class Filter:
    """What is left out of stored detections; None leaves out nothing.

    Attributes:
        nms: a second NMS within each class by this IoU. A box that only a suppressed box had suppressed does not come
            back, so that this may find a little less than detecting with this threshold.
        max_detections: the best of each image.
    """

    nms: float | None = None
    max_detections: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.nms is None and self.max_detections is None

    def check(self, record: Mapping[str, Any], path: Path) -> None:
        """Refuse what the stored detections of ``record`` cannot give.

        Raises:
            ReevaluationError: with the command that detects again.
        """
        kept = section(section(record["config"], "detector"), "postprocess")
        for name, asked, lost in (
            ("nms_iou", self.nms, "the boxes that it suppressed are not stored"),
            ("max_detections", self.max_detections, "those beyond are not stored"),
        ):
            if asked is None:
                continue
            had = kept.get(name)
            if not isinstance(had, int | float):
                raise ReevaluationError(f"does not say its detector.postprocess.{name}")
            if asked > had:
                raise ReevaluationError(
                    f"was detected with {name}={had:g}, and {lost}: {asked:g} would need a new detection, "
                    f"{_detect_again(record, path, f'detector.postprocess.{name}={asked:g}')}"
                )

    def apply(self, detections: Found) -> Found:
        """What is left of ``detections``, image by image, the best first."""
        if self.is_empty:
            return detections
        images: dict[int, Found] = defaultdict(list)
        for one in sorted(detections, key=lambda one: -float(one["score"])):
            images[one["image_id"]].append(one)
        return [one for found in images.values() for one in self._of_image(found)[: self.max_detections]]

    def _of_image(self, detections: Found) -> Found:
        if self.nms is None:
            return detections
        kept = np.ones(len(detections), bool)
        boxes = np.array([one["bbox"] for one in detections], float)
        labels = np.array([one["category_id"] for one in detections])
        overlaps = np.asarray(mask.iou(boxes, boxes, [0] * len(boxes))) > self.nms
        for index in range(len(boxes)):
            if kept[index]:
                kept[index + 1 :] &= ~(overlaps[index, index + 1 :] & (labels[index + 1 :] == labels[index]))
        return [one for one, is_kept in zip(detections, kept, strict=True) if is_kept]


def _detect_again(record: Mapping[str, Any], path: Path, change: str) -> str:
    """The run's own command as an evaluation of its weights."""
    return f"{record['command']} {shlex.join(['mode=evaluate', f'checkpoint={path}/checkpoint.pt', change])}"
