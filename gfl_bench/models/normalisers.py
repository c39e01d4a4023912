"""What losses are divided by: sums over a whole batch, also where several processes share it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gfl_bench.config.schema import Count

Reduce = Callable[[Tensor], Tensor]  # float32 sums over the images of this process, to those over all processes
COUNTS: dict[Count, Callable[[Tensor, Tensor, Tensor], Tensor]] = {  # of what ``sums`` gives first
    Count.each_image: lambda positives, at_least_one, images: at_least_one,
    Count.batch: lambda positives, at_least_one, images: positives.clamp(min=1),
    Count.or_images: lambda positives, at_least_one, images: positives.maximum(images),
    Count.and_images: lambda positives, at_least_one, images: positives + images,
    Count.images: lambda positives, at_least_one, images: images,
}


def alone(normalisers: Tensor) -> Tensor:
    """The ``Reduce`` of a process that has the whole batch."""
    return normalisers


def sums(positives: Tensor, box_weight: Tensor) -> Tensor:
    """[4]: positives, the same with at least one in each image, images, and the box weights.

    Args:
        positives: [B] int64, of each image.
        box_weight: [K] float32.
    """
    counts = torch.stack([positives, positives.clamp(min=1), torch.ones_like(positives)]).sum(dim=1)
    return torch.cat([counts.to(box_weight.dtype), box_weight.sum()[None]])
