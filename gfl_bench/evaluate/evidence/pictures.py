"""Small pictures to draw boxes on, and the ground truths."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONGEST = 320  # pixels, of a side
QUALITY = 85


class Images(Protocol):
    """What knows the images by their ids, such as ``CocoDataset``."""

    def rgb(self, image_id: int) -> NDArray[np.uint8]:
        """The image as it is on disk, [H, W, 3]."""

    def truths(self, image_id: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Boxes [G, 4] and labels [G] of its ground truths, crowds left out, in the image's own pixels."""


def pictures(name: str, image_ids: Sequence[int], images: Images) -> dict[str, NDArray[Any]]:
    """``<name>_jpeg`` uint8, all files one after the other, ``_jpeg_end`` and ``_scale`` of each.

    The scale is that from the original to the file, in pixels, at most 1.
    """
    files = [_small(images.rgb(image_id)) for image_id in image_ids]
    return {
        f"{name}_jpeg": np.frombuffer(b"".join(content for content, _ in files), np.uint8),
        f"{name}_jpeg_end": np.cumsum([len(content) for content, _ in files], dtype=np.int64),
        f"{name}_scale": np.array([scale for _, scale in files], np.float32),
    }


def truths(name: str, image_ids: Sequence[int], images: Images) -> dict[str, NDArray[Any]]:
    """``<name>_truth_example`` [G] int32, which of the images, ``_truth_box`` [G, 4] float32, ``_truth_label`` [G]."""
    found = [images.truths(image_id) for image_id in image_ids]
    counts = [len(labels) for _, labels in found]
    labels = np.concatenate([np.zeros(0, np.int64), *(labels for _, labels in found)])
    return {
        f"{name}_truth_example": np.repeat(np.arange(len(found), dtype=np.int32), counts),
        f"{name}_truth_box": np.concatenate([np.zeros((0, 4), np.float32), *(boxes for boxes, _ in found)]),
        f"{name}_truth_label": labels.astype(np.int32),
    }


def _small(pixels: NDArray[np.uint8]) -> tuple[bytes, float]:
    image, file = Image.fromarray(pixels), io.BytesIO()
    longest = max(image.size)
    image.thumbnail((LONGEST, LONGEST))
    image.save(file, "jpeg", quality=QUALITY)
    return file.getvalue(), max(image.size) / longest
