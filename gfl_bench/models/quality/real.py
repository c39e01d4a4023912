"""What a predicted quality should be, of the positives' predicted boxes."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from gfl_bench.models.positives import Positives

RealQuality = Callable[[Positives], Tensor]  # [K] in [0, 1]


def real_centerness(positives: Positives) -> Tensor:
    return positives.centerness


def real_iou(positives: Positives) -> Tensor:
    return positives.iou
