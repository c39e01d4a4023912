"""Scenes as an ordinary COCO data set on disk: written once for each set of settings, whole or not at all."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from gfl_bench.claim import Held, is_abandoned, take_claim
from gfl_bench.data.error import DataError
from gfl_bench.data.scenes.content import SceneSettings, coco_dataset, file_name
from gfl_bench.data.scenes.crowds.content import CrowdSettings, crowd_dataset
from gfl_bench.data.scenes.crowds.crowd import render_crowd
from gfl_bench.data.scenes.pool import rendering_pool
from gfl_bench.data.scenes.scene import render
from gfl_bench.heartbeat import heartbeat

log = logging.getLogger(__name__)

SPLITS = ("train", "val")
JPEG_QUALITY = 92  # a fifth of a PNG's size and quicker to read; colour is not subsampled, which would soften edges
POLL = 1.0  # seconds between two looks at scenes that another process writes


def ensure_scenes(settings: SceneSettings, cache: Path, processes: int | None = None) -> Path:
    """The folder that holds these scenes, written now if it is not there.

    It holds ``train/``, ``val/`` and ``annotations/{train,val}.json``. Of several processes that want the same scenes,
    on any machine, the first writes them and the others wait for it; one that died is taken over. The files are written
    beside the folder and renamed at the end.

    Args:
        processes: how many render; null for one on each core. The pictures do not depend on it.

    Raises:
        DataError: the settings allow no scene, or the cache folder cannot be written.
    """
    _check(settings)
    folder = cache / settings.folder_name()
    told = False
    while not folder.is_dir():
        try:
            _write_claimed(settings, folder, processes)
        except Held as held:
            if not told:
                log.info("waiting for scenes in %s, %s", cache, held)
            told = True
            time.sleep(POLL)
        except OSError as error:
            raise DataError(
                f"{folder}: scenes cannot be written there ({error.strerror or error}): free some space, or set "
                "paths.cache to a writable folder"
            ) from error
    return folder


def _write_claimed(settings: SceneSettings, folder: Path, processes: int | None) -> None:
    """Write the scenes if no other process is doing so, on whatever machine.

    Raises:
        Held: another one is.
        OSError: the folder cannot be written, or the disk is full.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    claim = take_claim(_place(folder))
    try:
        with heartbeat(claim.beat), _unfinished(folder, claim.number) as partial_folder:
            if not folder.is_dir():  # finished by another process before this one's claim
                _write(settings, partial_folder, processes)
                _rename(partial_folder, folder)
    except OSError:
        if claim.is_held():
            raise
        raise Held("taken over by another process, which saw no heartbeat of this one") from None
    finally:
        claim.release()


def _check(settings: SceneSettings) -> None:
    if settings.size < 64:
        raise DataError(f"data.size={settings.size} is too small for scenes, whose sides need at least 64 pixels")
    for name in SPLITS:
        if getattr(settings, f"{name}_images") < 1:
            raise DataError(f"data.{name}_images={getattr(settings, f'{name}_images')} must be at least 1")


def _rename(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        if not target.is_dir():  # where it is, another process was quicker, and its folder as good as this one
            raise


@contextlib.contextmanager
def _unfinished(folder: Path, number: int) -> Iterator[Path]:
    """A folder to write in, removed in the end; those of dead writers, of other scenes too, are removed now."""
    for other in folder.parent.glob(".scenes-*.partial"):
        name = other.name.removeprefix(".").rpartition("-")[0]
        if name == folder.name or is_abandoned(_place(folder.with_name(name))):
            shutil.rmtree(other, ignore_errors=True)
    partial_folder = folder.with_name(f".{folder.name}-{number}.partial")
    partial_folder.mkdir()
    try:
        yield partial_folder
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)


def _place(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.claim")


def _write(settings: SceneSettings, folder: Path, processes: int | None) -> None:
    started, total = time.monotonic(), settings.train_images + settings.val_images
    log.info("writing %d scenes of %d pixels to %s", total, settings.size, folder.parent)
    (folder / "annotations").mkdir()
    with rendering_pool(processes) as pool:
        for split, name in enumerate(SPLITS):
            (folder / name).mkdir()
            work = partial(write_image, settings, folder / name, split)
            # Small chunks: those that are begun are finished before a stop signal is answered.
            labels = list(pool.map(work, range(getattr(settings, f"{name}_images")), chunksize=4))
            content = json.dumps(_dataset(settings, name, labels))
            (folder / "annotations" / f"{name}.json").write_text(content, encoding="utf-8")
    log.info("wrote %d scenes in %.0f s", total, time.monotonic() - started)


def _dataset(settings: SceneSettings, split: str, labels: list[Any]) -> dict[str, Any]:
    if isinstance(settings, CrowdSettings):
        return crowd_dataset(settings, split, labels)
    return coco_dataset(settings, split, labels)


def write_image(settings: SceneSettings, folder: Path, split: int, index: int) -> list[Any]:
    """Render one scene into ``folder`` and return its labels, of crowds its bodies."""
    paint = render_crowd if isinstance(settings, CrowdSettings) else render
    scene = paint(settings.seed, split, index, settings.size)
    Image.fromarray(scene.image).save(folder / file_name(index), quality=JPEG_QUALITY, subsampling=0)
    return scene.labels
