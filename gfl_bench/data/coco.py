"""A data set in COCO's format: a folder of images and one instances JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors

from gfl_bench.data.annotations import ImageRecord, read_annotations
from gfl_bench.data.error import DataError
from gfl_bench.data.images import check_image, read_rgb
from gfl_bench.data.letterbox import FRAME
from gfl_bench.data.side_lengths import SideLengths

__all__ = ["CocoDataset", "DataError", "Sample", "Split", "validate"]

SMALLEST_TRAINING_SIDE = 32  # pixels; mmdetection's min_size

Transform = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Split:
    """Where the images and annotations of one split are."""

    images: Path  # folder
    annotations: Path  # COCO instances JSON
    annotated: bool = True  # else the file may lack its annotations, as those of COCO's test sets do
    whole_boxes: bool = False  # boxes that reach outside their image stay as they are


@dataclass
class Sample:
    """One image ready for a batch. Boxes are (x1, y1, x2, y2) in pixels of ``image``."""

    image: Tensor  # [3, H, W] float32, normalised, not padded
    boxes: Tensor  # [N, 4] float32
    labels: Tensor  # [N] int64
    ignored_boxes: Tensor  # [M, 4] float32
    scale_factor: Tensor  # [2] float32 (width, height), resized / original
    image_id: int
    sigma: Tensor | None = None  # [N, 4] float32, see ``Instances``
    frame: Tensor | None = None  # [4] float32, the box that the original fills in ``image``; None: all of it


def validate(split: Split) -> None:
    """Check a whole split before it is used: its annotations, and that every image is there and can be read.

    A JPEG is not decoded for that if it has its end mark, so a file that is damaged in its middle is reported only when
    it is loaded.

    Raises:
        DataError: the first thing found wrong, with the file, the id and the cause.
    """
    annotations = read_annotations(split.annotations, split.annotated, split.whole_boxes)
    if not split.images.is_dir():
        raise DataError(f"{split.images}: the images folder does not exist; check the path")
    for record in annotations.images:
        check_image(split.images / record.file_name, record.id, record.width, record.height)


class CocoDataset(Dataset[Sample]):
    """The images of a split with their boxes; labels are 0..C-1 in the order of the category ids.

    Args:
        split: where the files are.
        transform: takes and returns a dict with ``image`` (tv_tensors.Image [3, H, W] uint8), ``boxes`` and
            ``ignored_boxes`` (tv_tensors.BoundingBoxes) and ``labels``; where the sides' ambiguity is known, also
            ``sigma`` (SideLengths). See ``transforms``.
        training: leave out images without a box to learn, and those less than 32 pixels wide or high (as mmdetection's
            ``filter_empty_gt`` and ``min_size``). Evaluation keeps every image.

    Raises:
        DataError: see ``read_annotations``; nothing is left to train on; an image cannot be read (when it is asked
            for).
    """

    def __init__(self, split: Split, transform: Transform, training: bool) -> None:
        annotations = read_annotations(split.annotations, split.annotated, split.whole_boxes)
        self.split = split
        self.transform = transform
        self.category_ids = annotations.category_ids
        self.class_names = annotations.class_names
        self.records = [record for record in annotations.images if not training or _learnable(record)]
        if not self.records:
            raise DataError(f"{split.annotations}: no image has a box to learn; is this the right file?")

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        return to_sample(record, self._read(record), self.transform)

    def rgb(self, image_id: int) -> NDArray[np.uint8]:
        """The image as it is on disk, [H, W, 3]."""
        return self._read(self._record(image_id))

    def truths(self, image_id: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Boxes [G, 4] and labels [G] of an image's ground truths, crowds left out, in its own pixels."""
        record = self._record(image_id)
        return record.boxes, record.labels

    @property
    def landscape(self) -> NDArray[np.bool_]:
        """Which images are at least as wide as high, [len(self)]."""
        return np.array([record.width >= record.height for record in self.records])

    def _record(self, image_id: int) -> ImageRecord:
        return next(record for record in self.records if record.id == image_id)

    def _read(self, record: ImageRecord) -> NDArray[np.uint8]:
        return read_rgb(self.split.images / record.file_name, record.id, record.width, record.height)


def to_sample(record: ImageRecord, pixels: NDArray[np.uint8], transform: Transform) -> Sample:
    """The image ``pixels`` [H, W, 3] and the boxes of ``record`` as ``transform`` leaves them."""
    size = (record.height, record.width)
    content = {
        "image": tv_tensors.Image(torch.from_numpy(pixels).permute(2, 0, 1).contiguous()),
        "boxes": _boxes(record.boxes, size),
        "labels": torch.from_numpy(record.labels),
        "ignored_boxes": _boxes(record.ignored_boxes, size),
    }
    if record.sigma is not None:
        content["sigma"] = SideLengths(torch.from_numpy(record.sigma))
    return _sample(record, transform(content))


def _learnable(record: ImageRecord) -> bool:
    return len(record.boxes) > 0 and min(record.width, record.height) >= SMALLEST_TRAINING_SIDE


def _boxes(boxes: NDArray[np.float32], size: tuple[int, int]) -> tv_tensors.BoundingBoxes:
    return tv_tensors.BoundingBoxes(
        torch.from_numpy(boxes), format=tv_tensors.BoundingBoxFormat.XYXY, canvas_size=size
    )


def _sample(record: ImageRecord, transformed: dict[str, Any]) -> Sample:
    image = transformed["image"].as_subclass(Tensor)
    height, width = image.shape[-2:]
    sigma, frame = transformed.get("sigma"), transformed.get(FRAME)
    if frame is not None:
        width, height = (frame[2:] - frame[:2]).tolist()
    return Sample(
        image=image,
        boxes=transformed["boxes"].as_subclass(Tensor),
        labels=transformed["labels"],
        ignored_boxes=transformed["ignored_boxes"].as_subclass(Tensor),
        scale_factor=torch.tensor([width / record.width, height / record.height]),
        image_id=record.id,
        sigma=None if sigma is None else sigma.as_subclass(Tensor),
        frame=frame,
    )
