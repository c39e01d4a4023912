"""Average precision of boxes as COCO counts it, by pycocotools."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

COLUMNS = ("AP", "AP50", "AP75", "APs", "APm", "APl")  # the first six of pycocotools' twelve, as the paper names them


class EvaluationError(ValueError):
    """The detections do not belong to the annotations."""


def evaluate(annotations: Path, detections: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """AP of ``detections`` in percent, under the names of ``COLUMNS``.

    Args:
        annotations: COCO JSON. ``iscrowd`` is taken as 0 and ``area`` as that of the box where they are missing.
        detections: COCO results: ``image_id``, ``category_id``, ``bbox`` (x, y, width, height in pixels of the original
            image), ``score``. May be empty.

    Returns:
        Null where there is no ground truth to find, as pycocotools' -1.

    Raises:
        EvaluationError: a detection is of an image that the annotations do not have.
    """
    return columns(statistics(annotations, detections))


def statistics(annotations: Path, detections: Sequence[dict[str, Any]]) -> list[float]:
    """pycocotools' twelve numbers, shares of one, -1 where there is nothing to find. Arguments as ``evaluate``."""
    return [float(value) for value in measure(Truth(annotations), detections).stats]


def columns(statistics: Sequence[float]) -> dict[str, float | None]:
    """The first of the twelve numbers, in percent."""
    return {name: None if value < 0 else 100 * float(value) for name, value in zip(COLUMNS, statistics, strict=False)}


class Truth:
    """An annotation file that detections are measured against, any number of times."""

    def __init__(self, annotations: Path) -> None:
        self.path = annotations
        self.dataset = _completed(json.loads(annotations.read_text(encoding="utf-8")))
        self.images = {image["id"] for image in self.dataset.get("images", [])}
        self.indexed = indexed(COCO(), self.dataset)

    def check(self, detections: Sequence[dict[str, Any]]) -> None:
        """Refuse what is of other images.

        Raises:
            EvaluationError: a detection is of an image that the annotations do not have.
        """
        unknown = next((one["image_id"] for one in detections if one["image_id"] not in self.images), None)
        if unknown is not None:
            raise EvaluationError(
                f"{self.path}: a detection is of image {unknown}, which is not in this file: "
                "evaluate with the annotations of the images that were detected on"
            )


def measure(
    truth: Truth, detections: Sequence[dict[str, Any]], thresholds: Sequence[float] | None = None
) -> COCOeval:
    """pycocotools' evaluation of ``detections``, accumulated and summarised.

    Args:
        thresholds: of the IoU; None for COCO's ten.

    Raises:
        EvaluationError: as ``Truth.check``.
    """
    truth.check(detections)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth.indexed, results(truth.indexed, truth.dataset, detections), "bbox")
        if thresholds is not None:
            evaluation.params.iouThrs = np.array(thresholds)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def _completed(dataset: dict[str, Any]) -> dict[str, Any]:
    """``dataset`` with every field that pycocotools reads.

    Annotations are numbered from 1: pycocotools takes a match with annotation 0 for no match.
    """
    completed = [
        {"iscrowd": 0, "area": one["bbox"][2] * one["bbox"][3], **one, "id": number}
        for number, one in enumerate(dataset.get("annotations", []), start=1)
    ]
    return {"info": {}, **dataset, "annotations": completed}


def indexed(coco: Any, dataset: dict[str, Any]) -> Any:
    """``coco``, an empty COCO object of pycocotools or of what takes its place, filled with ``dataset``."""
    coco.dataset = dataset
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def results(truth: Any, dataset: dict[str, Any], detections: Sequence[dict[str, Any]]) -> Any:
    """``detections`` as a COCO object of the kind of ``truth``, which may be none."""
    if not detections:
        return indexed(type(truth)(), {**dataset, "annotations": []})
    return truth.loadRes([dict(one) for one in detections])  # loadRes adds fields to what it is given
