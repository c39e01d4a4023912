"""How much post-processing has to do: a stated number of scores above the threshold, and a count of what NMS gets.

Untrained scores make NMS free, or as dear as it ever gets; a threshold of each image's own makes it what it is after
training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gfl_bench.structures import Detections


def lift_scores(head: nn.Module) -> None:
    """Set the biases of the class scores of an untrained ``head`` to 0.

    They begin at a probability of 0.01, below any threshold that a detector may have beside the last one.
    """
    for name, module in head.named_modules():
        if name.endswith("cls") and isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)


def threshold_passing(scores: Tensor, wanted: int) -> tuple[float, int]:
    """A threshold that ``wanted`` of ``scores`` (any shape, float32, at least 0) exceed, and how many really do.

    Others than ``wanted`` do where scores are equal, as they often are in bfloat16: the number nearest to it. A score
    of 0 never passes.
    """
    flat = scores.flatten()
    if wanted >= len(flat):
        return 0.0, int((flat > 0).sum())
    first_left = flat.topk(wanted + 1).values[-1].item()
    fewer, more = int((flat > first_left).sum()), int((flat >= first_left).sum())
    if first_left <= 0 or wanted - fewer <= more - wanted:
        return first_left, fewer
    return float(np.nextafter(np.float32(first_left), np.float32(0))), more  # torch compares as float32


def count_boxes(passes: Iterable[Callable[[], list[Detections]]]) -> tuple[float | None, float]:
    """Boxes that NMS got and left, means over ``passes`` of one image each.

    None where torchvision's NMS was not called. Counting takes time, so that these passes are not to be timed.
    """
    with _NMSInputs() as given:
        left = [sum(len(found.scores) for found in detect()) for detect in passes]
    return None if given.boxes is None else given.boxes / len(left), sum(left) / len(left)


class _NMSInputs(TorchDispatchMode):
    """Counts the boxes that any detector hands to torchvision's NMS."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: int | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.torchvision.nms.default:
            self.boxes = (self.boxes or 0) + len(args[0])
        return func(*args, **(kwargs or {}))
