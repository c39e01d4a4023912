"""Run a detector over a split, once, for all that is measured on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Any

import torch

from gfl_bench.config.schema import Precision
from gfl_bench.engine.device import autocast, move, place
from gfl_bench.engine.distributed import ALONE, World
from gfl_bench.engine.progress import progress_view
from gfl_bench.evaluate.detections import to_coco
from gfl_bench.evaluate.observer import Observer
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Detections

LOG_EVERY = 200  # images

Page = tuple[list[dict[str, Any]], list[Any]]  # of a batch: its detections, and a note of each observer


def infer(
    detector: Detector,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    precision: Precision,
    category_ids: Sequence[int],
    channels_last: bool = True,
    total: int | None = None,
    observers: Sequence[Observer] = (),
    world: World = ALONE,
) -> list[dict[str, Any]]:
    """Detections of every image of ``batches``, those of all processes on rank 0, and elsewhere none.

    Args:
        detector: is moved to ``device`` and left in evaluation mode.
        category_ids: [C] id in the annotation file of each label.
        total: number of images, of all processes, for the progress view.
        observers: see each batch once, in order; of several processes only rank 0's have seen all.
        world: the processes of which each has every so many-th batch, as ``eval_batches`` shares them out.

    Returns:
        COCO results, rounded as they are kept, in the order of the images.
    """
    place(detector, device, channels_last)
    detector.eval()
    results: list[dict[str, Any]] = []
    pages: list[Page] = []
    done = boxes = 0
    with torch.inference_mode(), progress_view("detecting", total) as progress:
        for batch in batches:
            batch = move(batch, device, channels_last)
            with autocast(device, precision):
                output = detector(batch.images)
            found = detector.predict(output, batch)
            rows = _results(found, batch.image_ids, category_ids)
            if world.size == 1:
                results += rows
                for observer in observers:
                    observer.see(detector, output, batch, found)
            else:
                pages.append((rows, [observer.look(detector, output, batch, found) for observer in observers]))
            is_news = _rounds(done + len(batch.image_ids)) > _rounds(done)
            done, boxes = done + len(batch.image_ids), boxes + len(rows)
            progress.update(done * world.size, f"{boxes * world.size} boxes" if is_news else None)
    for rows, notes in _in_order(world.gathered(pages)):
        results += rows
        for observer, note in zip(observers, notes, strict=True):
            observer.take(note)
    return results


def _in_order(shares: list[list[Page]]) -> Iterator[Page]:
    """The first batch of each process, the second of each, ..."""
    return (page for page in chain.from_iterable(zip_longest(*shares)) if page is not None)


def _results(
    detections: Sequence[Detections], image_ids: Sequence[int], category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    images = zip(detections, image_ids, strict=True)
    return [row for one, image_id in images for row in to_coco(one, image_id, category_ids)]


def _rounds(images: int) -> int:
    return images // LOG_EVERY
