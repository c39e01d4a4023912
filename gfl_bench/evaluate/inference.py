"""Run a detector over a split, once, for all that is measured on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from gfl_bench.config.schema import Precision
from gfl_bench.engine.device import autocast, move, place
from gfl_bench.engine.progress import progress_view
from gfl_bench.evaluate.detections import to_coco
from gfl_bench.evaluate.observer import Observer
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Detections

LOG_EVERY = 200  # images


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
) -> list[dict[str, Any]]:
    """Detections of every image of ``batches``.

    Args:
        detector: is moved to ``device`` and left in evaluation mode.
        category_ids: [C] id in the annotation file of each label.
        total: number of images, for the progress view.
        observers: see each batch once, in order.

    Returns:
        COCO results, rounded as they are kept, in the order of the images.
    """
    place(detector, device, channels_last)
    detector.eval()
    results: list[dict[str, Any]] = []
    done = 0
    with torch.inference_mode(), progress_view("detecting", total) as progress:
        for batch in batches:
            batch = move(batch, device, channels_last)
            with autocast(device, precision):
                output = detector(batch.images)
            found = detector.predict(output, batch)
            results += _results(found, batch.image_ids, category_ids)
            for observer in observers:
                observer.see(detector, output, batch, found)
            is_news = _rounds(done + len(batch.image_ids)) > _rounds(done)
            done += len(batch.image_ids)
            progress.update(done, f"{len(results)} boxes" if is_news else None)
    return results


def _results(
    detections: Sequence[Detections], image_ids: Sequence[int], category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    images = zip(detections, image_ids, strict=True)
    return [row for one, image_id in images for row in to_coco(one, image_id, category_ids)]


def _rounds(images: int) -> int:
    return images // LOG_EVERY
