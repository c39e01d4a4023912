"""From the official files to COCO-format ones in the cache, made once for each annotation file."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from PIL import ExifTags, Image

from gfl_bench.atomic import replacing
from gfl_bench.data.crowdhuman.instances import instances
from gfl_bench.data.crowdhuman.odgt import WHAT_TO_DO, Photograph, read_odgt
from gfl_bench.data.error import DataError

log = logging.getLogger(__name__)

ENDING = ".jpg"
VERSION = 1  # of what is written: raise it when a change alters any of it


def instances_file(annotations: Path, images: Path, cache: Path) -> Path:
    """The instances JSON of an odgt file, written now if it is not there; a JSON file is its own.

    The official files do not tell how large the images are: their heads are read for that.

    Args:
        images: folder of the photographs.
        cache: folder of what is generated.

    Raises:
        DataError: an image or the annotations are missing or damaged, or the cache cannot be written.
    """
    if annotations.suffix == ".json":
        return annotations
    path = instances_path(annotations, cache)
    if not path.is_file():
        photographs = read_odgt(annotations)
        missing = missing_images(photographs, images)
        if missing:
            raise DataError(
                f"{images}: {len(missing)} of the {len(photographs)} images of {annotations.name} are not there, such "
                f"as {missing[0]}; {WHAT_TO_DO}"
            )
        _write(path, photographs, images)
    return path


def instances_path(annotations: Path, cache: Path) -> Path:
    """Where the instances JSON of an odgt file is kept.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        content = hashlib.sha256(annotations.read_bytes())
    except OSError as error:
        raise DataError(f"{annotations}: the annotations are not there ({error.strerror}); {WHAT_TO_DO}") from error
    content.update(str(VERSION).encode())
    return cache.expanduser() / "crowdhuman" / f"{annotations.stem}-{content.hexdigest()[:12]}.json"


def missing_images(photographs: Sequence[Photograph], images: Path) -> list[str]:
    """Names of the files that are not in the folder."""
    there = {path.name for path in images.iterdir()} if images.is_dir() else set()
    return [name for one in photographs if (name := one.id + ENDING) not in there]


def _write(path: Path, photographs: Sequence[Photograph], images: Path) -> None:
    log.info("reading the sizes of %d images in %s", len(photographs), images)
    sizes = [one.size or _size(images / f"{one.id}{ENDING}") for one in photographs]
    content = json.dumps(instances(photographs, sizes, ENDING))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(content.encode())
    except OSError as error:
        raise DataError(
            f"{path}: the annotations cannot be written there ({error.strerror or error}): free some space, or set "
            "paths.cache to a writable folder"
        ) from error


def _size(path: Path) -> tuple[int, int]:
    """Width and height as OpenCV's reader, which the reference uses, would show the image: turned as it says."""
    try:
        with Image.open(path) as image:
            width, height = image.size
            is_turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: the image cannot be read ({error}); unpack its archive again") from error
    return (height, width) if is_turned else (width, height)
