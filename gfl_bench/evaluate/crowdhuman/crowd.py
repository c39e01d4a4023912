"""One image: its persons, what was detected, and what of both may be ignored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfl_bench.evaluate.coco import EvaluationError
from gfl_bench.evaluate.crowdhuman.overlaps import THRESHOLD, Array, cut, iou, share_within

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Crowd:
    """D detections by falling score, and G persons in the order of the file."""

    scores: Array  # [D]
    iou: Array  # [D, G]
    excused: Flags  # [D] detections in an ignored region
    dispensable: Flags  # [G] persons in an ignored region


def crowds_of(dataset: Mapping[str, Any], detections: Sequence[Mapping[str, Any]]) -> list[Crowd]:
    """Every image of ``dataset``, in its order.

    Args:
        dataset: content of an instances JSON whose ignored regions have ``iscrowd`` 1.
        detections: COCO results, of one class.

    Raises:
        EvaluationError: a detection is of an image that ``dataset`` does not have.
    """
    found, marked = _by_image(detections), _by_image(dataset["annotations"])
    images = {image["id"]: image for image in dataset["images"]}
    unknown = next(iter(found.keys() - images.keys()), None)
    if unknown is not None:
        raise EvaluationError(
            f"a detection is of image {unknown}, which the annotations do not have: evaluate with the annotations of "
            "the images that were detected on"
        )
    return [_crowd(image, marked[key], found[key]) for key, image in images.items()]


def _by_image(entries: Sequence[Mapping[str, Any]]) -> defaultdict[Any, list[Mapping[str, Any]]]:
    groups: defaultdict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for one in entries:
        groups[one["image_id"]].append(one)
    return groups


def _crowd(
    image: Mapping[str, Any], marked: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Crowd:
    scores = np.array([one["score"] for one in found], np.float64)
    order = np.argsort(-scores, kind="stable")
    boxes = _boxes(image, found)[order]
    persons = _boxes(image, [one for one in marked if not one.get("iscrowd")])
    ignored = _boxes(image, [one for one in marked if one.get("iscrowd")])
    return Crowd(scores[order], iou(boxes, persons), _within(boxes, ignored), _within(persons, ignored))


def _boxes(image: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> Array:
    boxes = np.array([one["bbox"] for one in entries], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return cut(boxes, image["width"], image["height"])


def _within(boxes: Array, regions: Array) -> Flags:
    return np.asarray((share_within(boxes, regions) > THRESHOLD).any(axis=1))
