"""Scenes as an ordinary COCO data set on disk: written once for each set of settings, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from threadpoolctl import threadpool_limits

from gfl_bench.cores import usable_cores
from gfl_bench.data.error import DataError
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.data.scenes.scene import Label, render

log = logging.getLogger(__name__)

GENERATOR_VERSION = 1  # of the pictures: raise it when a change alters any of them
SPLITS = ("train", "val")
JPEG_QUALITY = 92  # a fifth of a PNG's size and quicker to read; colour is not subsampled, which would soften edges
STALE_SECONDS = 3600.0  # an unfinished folder this old belongs to a generation that was killed


@dataclass(frozen=True)
class SceneSettings:
    """All that the pictures depend on."""

    size: int  # pixels, height and width
    train_images: int
    val_images: int
    seed: int

    def folder_name(self) -> str:
        content = json.dumps({"version": GENERATOR_VERSION, **asdict(self)}, sort_keys=True)
        return f"scenes-{self.size}px-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def ensure_scenes(settings: SceneSettings, cache: Path, processes: int | None = None) -> Path:
    """The folder that holds these scenes, written now if it is not there.

    It holds ``train/``, ``val/`` and ``annotations/{train,val}.json``. The files are written beside it and renamed at
    the end; of several processes that write the same scenes, the first to finish wins.

    Args:
        processes: how many render; null for one on each core. The pictures do not depend on it.

    Raises:
        DataError: the settings allow no scene, or the cache folder cannot be written.
    """
    _check(settings)
    folder = cache / settings.folder_name()
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _remove_stale(cache)
        with _unfinished(folder) as partial_folder:
            _write(settings, partial_folder, processes)
            with contextlib.suppress(FileExistsError):
                _rename(partial_folder, folder)
    except OSError as error:
        raise DataError(
            f"{folder}: scenes cannot be written there ({error.strerror}); set paths.cache to a writable folder"
        ) from error
    return folder


def _check(settings: SceneSettings) -> None:
    if settings.size < 64:
        raise DataError(f"data.size={settings.size} is too small for scenes, whose sides need at least 64 pixels")
    for name in SPLITS:
        if getattr(settings, f"{name}_images") < 1:
            raise DataError(f"data.{name}_images={getattr(settings, f'{name}_images')} must be at least 1")


def _rename(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:  # another process was quicker: its folder is as good as this one
        if not target.is_dir():
            raise
        raise FileExistsError(target) from error


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    partial_folder = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    partial_folder.chmod(0o777 & ~_umask())  # mkdtemp makes it private; the cache may be shared
    try:
        yield partial_folder
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _remove_stale(cache: Path) -> None:
    for folder in cache.glob(".scenes-*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(folder)


def _write(settings: SceneSettings, folder: Path, processes: int | None) -> None:
    started, total = time.monotonic(), settings.train_images + settings.val_images
    log.info("writing %d scenes of %d pixels to %s", total, settings.size, folder.parent)
    (folder / "annotations").mkdir()
    cores = processes or usable_cores()
    # NumPy's own threads would compete with the processes, and halve their speed.
    with ProcessPoolExecutor(cores, initializer=threadpool_limits, initargs=(1,)) as pool:
        for split, name in enumerate(SPLITS):
            (folder / name).mkdir()
            work = partial(write_image, settings, folder / name, split)
            labels = list(pool.map(work, range(getattr(settings, f"{name}_images")), chunksize=16))
            content = json.dumps(coco_dataset(settings, name, labels))
            (folder / "annotations" / f"{name}.json").write_text(content, encoding="utf-8")
    log.info("wrote %d scenes in %.0f s", total, time.monotonic() - started)


def write_image(settings: SceneSettings, folder: Path, split: int, index: int) -> list[Label]:
    """Render one scene into ``folder`` and return its labels."""
    scene = render(settings.seed, split, index, settings.size)
    Image.fromarray(scene.image).save(folder / file_name(index), quality=JPEG_QUALITY, subsampling=0)
    return scene.labels


def file_name(index: int) -> str:
    return f"{index:06d}.jpg"


def coco_dataset(settings: SceneSettings, split: str, labels: list[list[Label]]) -> dict[str, Any]:
    """The content of an instances JSON; ids count from 1.

    Beyond COCO's fields an annotation has, for its left, top, right and bottom side, ``sigma`` (pixels, standard
    deviation of the edge) and ``side`` (why: see ``ambiguity.Side``), and ``true_bbox``, the box before the label's
    edges were moved by draws from N(0, sigma). ``area`` is that of the box.
    """
    described = {"description": "gfl_bench scenes", "version": str(GENERATOR_VERSION), "settings": asdict(settings)}
    annotations = [(image, label) for image, ones in enumerate(labels, start=1) for label in ones]
    return {
        "info": described,
        "images": [
            {"id": index + 1, "file_name": file_name(index), "width": settings.size, "height": settings.size}
            for index in range(len(labels))
        ],
        "annotations": [
            {"id": number, "image_id": image, **_annotation(label)}
            for number, (image, label) in enumerate(annotations, start=1)
        ],
        "categories": [{"id": label + 1, "name": name} for label, name in enumerate(NAMES)],
    }


def _annotation(label: Label) -> dict[str, Any]:
    box = _xywh(label.box.tolist())
    return {
        "category_id": label.label + 1,
        "bbox": box,
        "area": round(box[2] * box[3], 2),
        "iscrowd": 0,
        "true_bbox": _xywh(label.true_box.tolist()),
        "sigma": [round(sigma, 3) for sigma in label.edges.sigma.tolist()],
        "side": [kind.value for kind in label.edges.kind],
    }


def _xywh(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = (round(value, 2) for value in box)
    return [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)]
