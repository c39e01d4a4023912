"""Image files of any kind as RGB bytes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from gfl_bench.data.error import DataError

JPEG_END = b"\xff\xd9"


def read_rgb(path: Path, image_id: int, width: int, height: int) -> NDArray[np.uint8]:
    """Decode an image to [height, width, 3] uint8 RGB.

    Grey, palette and CMYK images are converted, transparency is dropped, and 16 bits keep their upper 8 (as OpenCV's
    colour reader does). The pixels are taken as stored where that is the size that the annotations give; otherwise
    the EXIF orientation is applied if this makes the sizes agree.

    Raises:
        DataError: the file is missing, cannot be decoded, is cut off, or has another size than the annotations say.
    """
    try:
        with Image.open(path) as image:
            image.load()
            upright = _oriented(image, (width, height))
            if upright is not None:
                return np.array(_rgb(upright))
            found = image.size
    except FileNotFoundError as error:
        raise DataError(f"{path}: the file of image {image_id} does not exist; check the images folder") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: image {image_id} cannot be decoded ({error}); fetch the file again") from error
    raise DataError(
        f"{path}: image {image_id} is {found[0]} x {found[1]} pixels but its annotations say {width} x {height}; "
        "correct its width and height, or the file"
    )


def read_upright(path: Path) -> NDArray[np.uint8]:
    """Decode an image of which nothing is known to [height, width, 3] uint8 RGB, turned as its EXIF orientation says.

    Raises:
        DataError: the file cannot be decoded, or is cut off.
    """
    try:
        with Image.open(path) as image:
            return np.array(_rgb(ImageOps.exif_transpose(image)))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: the image cannot be decoded ({error}); leave it out or fetch it again") from error


def check_image(path: Path, image_id: int, width: int, height: int) -> None:
    """Make sure that ``read_rgb`` will succeed. A JPEG of the right size that has its end mark is not decoded for that.

    Raises:
        DataError: as ``read_rgb``.
    """
    if not _is_whole_jpeg(path, (width, height)):
        read_rgb(path, image_id, width, height)


def _is_whole_jpeg(path: Path, size: tuple[int, int]) -> bool:
    try:
        with path.open("rb") as file, Image.open(file) as image:
            if image.format != "JPEG" or image.size != size:
                return False
            file.seek(-2, os.SEEK_END)
            return file.read() == JPEG_END
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def _oriented(image: Image.Image, size: tuple[int, int]) -> Image.Image | None:
    """The image in the orientation that has this (width, height), None if there is none."""
    if image.size == size:
        return image
    if image.size == size[::-1] and image.getexif().get(ExifTags.Base.Orientation, 1) >= 5:
        return ImageOps.exif_transpose(image)
    return None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):  # 16 bits; Pillow would clip them to 255
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode == "P":
        return image.convert("RGBA").convert("RGB")  # straight to RGB warns about transparent palettes
    return image.convert("RGB")
