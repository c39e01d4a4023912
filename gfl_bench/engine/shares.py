"""What processes that share a batch tell each other in a step, so that together they do what one would do alone."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from gfl_bench.engine.distributed import World
from gfl_bench.structures import Batch


def widened(batch: Batch | None, world: World) -> Batch | None:
    """``batch`` with the padding that the whole batch would have; None where any process has none."""
    if world.size == 1:
        return batch
    height, width = (0, 0) if batch is None else batch.images.shape[-2:]
    missing, most_height, most_width = world.largest([batch is None, height, width])
    if batch is None or missing:
        return None
    batch.images = functional.pad(batch.images, (0, most_width - width, 0, most_height - height))
    return batch


@torch.no_grad()
def add_up_gradients(detector: nn.Module, world: World) -> None:
    """Give each process the sum of all processes' gradients; one that a process lacks counts as 0."""
    learning = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    for parameter in learning:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in learning if parameter.grad is not None]
    total = world.sum_(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = total.split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view(gradient.shape))


@torch.no_grad()
def start_equal(detector: nn.Module, world: World) -> None:
    """Give each process rank 0's weights and statistics: initial numbers may differ between kinds of processors."""
    for values in detector.state_dict().values():
        world.copy_main_(values)
