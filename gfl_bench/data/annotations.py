"""The boxes and labels of a split, checked: what cannot be used stops here, before training, with its id."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.error import DataError
from gfl_bench.data.instances_json import is_integer, load_instances

log = logging.getLogger(__name__)


@dataclass
class ImageRecord:
    """One image and its boxes (x1, y1, x2, y2) in its own pixels, clipped to it where they are not read whole."""

    id: int
    file_name: str
    width: int
    height: int
    boxes: NDArray[np.float32]  # [N, 4]
    labels: NDArray[np.int64]  # [N] 0..C-1
    ignored_boxes: NDArray[np.float32]  # [M, 4] crowds
    sigma: NDArray[np.float32] | None  # [N, 4] pixels, see ``structures.Instances``


@dataclass
class Annotations:
    """The images of one file, in its order, and its categories, in the order of their ids."""

    path: Path
    images: list[ImageRecord]
    category_ids: list[int]  # of labels 0..C-1; gaps between them are allowed
    class_names: list[str]


def read_annotations(path: Path, annotated: bool = True, whole: bool = False) -> Annotations:
    """Read an instances JSON. Files that did not change since are read once.

    Boxes of no area, less than a pixel wide or high, or outside their image are left out and counted in the log, as
    mmdetection's CocoDataset leaves them out; crowds become ignored boxes. Unless it must be ``annotated``, the file
    may lack its annotations. Boxes that reach outside their image are clipped to it, unless they are wanted ``whole``.
    The sides' ``sigma`` is read where every annotation has it, four numbers of at least 0.

    Raises:
        DataError: the file is missing, is not JSON or lacks a key; an id is double; a box is not four finite numbers;
            an annotation's image or category does not exist.
    """
    try:
        modified = path.stat().st_mtime_ns
    except OSError as error:
        raise DataError(f"{path}: the annotation file does not exist or cannot be read; check the path") from error
    return _read(path, modified, annotated, whole)


@lru_cache(maxsize=4)
def _read(path: Path, modified: int, annotated: bool, whole: bool) -> Annotations:
    content = load_instances(path, annotated)
    categories = sorted(content["categories"], key=lambda one: one["id"])
    labels = {one["id"]: label for label, one in enumerate(categories)}
    return Annotations(
        path, _records(path, content, labels, whole), list(labels), [str(one["name"]) for one in categories]
    )


def _records(path: Path, content: dict[str, Any], labels: dict[int, int], whole: bool) -> list[ImageRecord]:
    images = {image["id"]: _Collected(path, image, whole) for image in content["images"]}
    unusable: list[int] = []
    for annotation in content["annotations"]:
        image = _of_image(path, annotation, images)
        if annotation["category_id"] not in labels:
            raise DataError(
                f"{path}: annotation {annotation['id']} has category {annotation['category_id']!r}, "
                "which is not in 'categories'; add the category or remove the annotation"
            )
        if not image.add(_finite_box(path, annotation), labels[annotation["category_id"]], annotation):
            unusable.append(annotation["id"])
    if unusable:
        log.warning(
            "%s: left out %d boxes without area inside their image (annotations %s)",
            path, len(unusable), _listed(unusable),
        )
    told = bool(content["annotations"]) and all(_is_sigma(one.get("sigma")) for one in content["annotations"])
    return [image.record(told) for image in images.values()]


def _of_image(path: Path, annotation: dict[str, Any], images: dict[int, _Collected]) -> _Collected:
    try:
        return images[annotation["image_id"]]
    except (KeyError, TypeError):
        raise DataError(
            f"{path}: annotation {annotation['id']} is of image {annotation['image_id']!r}, "
            "which is not in 'images'; add the image or remove the annotation"
        ) from None


def _finite_box(path: Path, annotation: dict[str, Any]) -> tuple[float, float, float, float]:
    box = annotation["bbox"]
    numbers = isinstance(box, list) and len(box) == 4 and all(_is_finite(value) for value in box)
    if not numbers or not _is_finite(annotation.get("area", 0)):
        raise DataError(
            f"{path}: annotation {annotation['id']} has the box {box!r} and the area {annotation.get('area')!r}, "
            "not [x, y, width, height] and an area in finite numbers; correct or remove it"
        )
    return box[0], box[1], box[2], box[3]


class _Collected:
    """The boxes of one image while the file is read."""

    def __init__(self, path: Path, image: dict[str, Any], whole: bool) -> None:
        if not all(is_integer(image[key]) and image[key] > 0 for key in ("width", "height")):
            raise DataError(
                f"{path}: image {image['id']} ({image['file_name']}) has the size {image['width']!r} x "
                f"{image['height']!r}; expected two positive integers"
            )
        self.image = image
        self.whole = whole
        self.boxes: list[tuple[float, ...]] = []
        self.labels: list[int] = []
        self.sigma: list[Any] = []
        self.crowds: list[tuple[float, ...]] = []

    def add(self, box: tuple[float, float, float, float], label: int, annotation: dict[str, Any]) -> bool:
        """Keep the box if it can be learnt from or is a crowd; false where it has no area in the image."""
        x, y, width, height = box
        x1, x2 = (min(max(value, 0), self.image["width"]) for value in (x, x + width))
        y1, y2 = (min(max(value, 0), self.image["height"]) for value in (y, y + height))
        if width < 1 or height < 1 or annotation.get("area", 1) <= 0 or x2 <= x1 or y2 <= y1:
            return False
        corners = (x, y, x + width, y + height) if self.whole else (x1, y1, x2, y2)
        if annotation.get("iscrowd"):
            self.crowds.append(corners)
        else:
            self.boxes.append(corners)
            self.labels.append(label)
            self.sigma.append(annotation.get("sigma"))
        return True

    def record(self, with_sigma: bool) -> ImageRecord:
        return ImageRecord(
            self.image["id"], str(self.image["file_name"]), self.image["width"], self.image["height"],
            _boxes(self.boxes), np.array(self.labels, np.int64), _boxes(self.crowds),
            _boxes(self.sigma) if with_sigma else None,
        )


def _boxes(boxes: list[Any]) -> NDArray[np.float32]:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _is_sigma(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(_is_finite(one) and one >= 0 for one in value)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _listed(ids: Iterable[int], most: int = 5) -> str:
    first = [str(one) for one in ids]
    return ", ".join(first[:most]) + (", ..." if len(first) > most else "")
