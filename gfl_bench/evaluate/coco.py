"""Average precision of boxes as COCO counts it, by pycocotools."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    values = statistics(annotations, detections)
    return {name: None if value < 0 else 100 * value for name, value in zip(COLUMNS, values, strict=False)}


def statistics(annotations: Path, detections: Sequence[dict[str, Any]]) -> list[float]:
    """pycocotools' twelve numbers, shares of one, -1 where there is nothing to find. Arguments as ``evaluate``."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _indexed(_completed(json.loads(annotations.read_text(encoding="utf-8"))))
        evaluation = COCOeval(truth, _results(truth, detections, annotations), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


def _completed(dataset: dict[str, Any]) -> dict[str, Any]:
    """``dataset`` with every field that pycocotools reads.

    Annotations are numbered from 1: pycocotools takes a match with annotation 0 for no match.
    """
    completed = [
        {"iscrowd": 0, "area": one["bbox"][2] * one["bbox"][3], **one, "id": number}
        for number, one in enumerate(dataset.get("annotations", []), start=1)
    ]
    return {"info": {}, **dataset, "annotations": completed}


def _indexed(dataset: dict[str, Any]) -> COCO:
    coco = COCO()
    coco.dataset = dataset
    coco.createIndex()
    return coco


def _results(truth: COCO, detections: Sequence[dict[str, Any]], annotations: Path) -> COCO:
    unknown = next((one["image_id"] for one in detections if one["image_id"] not in truth.imgs), None)
    if unknown is not None:
        raise EvaluationError(
            f"{annotations}: a detection is of image {unknown}, which is not in this file: "
            "evaluate with the annotations of the images that were detected on"
        )
    if not detections:
        return _indexed({**truth.dataset, "annotations": []})
    return truth.loadRes([dict(one) for one in detections])  # loadRes adds fields to what it is given
