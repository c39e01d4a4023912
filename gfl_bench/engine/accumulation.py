"""Cut a batch that does not fit into memory into parts that do."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from gfl_bench.structures import Batch, Instances


def split(batch: Batch, images_at_once: int | None) -> Iterator[Batch]:
    """Parts of ``batch`` with at most ``images_at_once`` images each, in order; the batch itself where that is null.

    The images keep the padding of the whole batch, so that a part sees what it would have seen in the whole.
    """
    count = len(batch.image_ids)
    if images_at_once is None or images_at_once >= count:
        yield batch
        return
    for start in range(0, count, images_at_once):
        yield _part(batch, start, min(start + images_at_once, count))


def _part(batch: Batch, start: int, stop: int) -> Batch:
    instances = batch.instances
    kept, image = _within(instances.image, start, stop)
    ignored, ignored_image = _within(instances.ignored_image, start, stop)
    return Batch(
        images=batch.images[start:stop],
        instances=Instances(
            instances.boxes[kept], instances.labels[kept], image, instances.ignored_boxes[ignored], ignored_image,
            None if instances.sigma is None else instances.sigma[kept],
        ),
        sizes=batch.sizes[start:stop],
        padded_sizes=batch.padded_sizes[start:stop],
        scale_factors=batch.scale_factors[start:stop],
        image_ids=batch.image_ids[start:stop],
        frames=None if batch.frames is None else batch.frames[start:stop],
    )


def _within(image: Tensor, start: int, stop: int) -> tuple[slice, Tensor]:
    """Where the ascending ``image`` lies in [start, stop), and those values counted from ``start``."""
    first, last = torch.searchsorted(image, image.new_tensor([start, stop])).tolist()
    return slice(first, last), image[first:last] - start
