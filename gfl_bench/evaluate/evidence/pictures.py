"""Small pictures to draw boxes on."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Read = Callable[[int], NDArray[np.uint8]]  # [H, W, 3] RGB of an image id

LONGEST = 320  # pixels, of a side
QUALITY = 85


def pictures(name: str, image_ids: Sequence[int], read: Read) -> dict[str, NDArray[Any]]:
    """``<name>_jpeg`` uint8, all files one after the other, ``_jpeg_end`` and ``_scale`` of each.

    The scale is that from the original to the file, in pixels, at most 1.
    """
    files = [_small(read(image_id)) for image_id in image_ids]
    return {
        f"{name}_jpeg": np.frombuffer(b"".join(content for content, _ in files), np.uint8),
        f"{name}_jpeg_end": np.cumsum([len(content) for content, _ in files], dtype=np.int64),
        f"{name}_scale": np.array([scale for _, scale in files], np.float32),
    }


def _small(pixels: NDArray[np.uint8]) -> tuple[bytes, float]:
    image, file = Image.fromarray(pixels), io.BytesIO()
    longest = max(image.size)
    image.thumbnail((LONGEST, LONGEST))
    image.save(file, "jpeg", quality=QUALITY)
    return file.getvalue(), max(image.size) / longest
