"""What happens to an image before it joins a batch: resize, flip, normalise.

Built from torchvision.transforms.v2, whose tv_tensors move the boxes with the pixels. Padding comes last, when the
batch is put together (``loader.collate``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from gfl_bench.config.schema import DataConfig

MEAN = (123.675, 116.28, 103.53)  # ImageNet's, of RGB values 0..255
STD = (58.395, 57.12, 57.375)
LONG_TO_SHORT = 5 / 3  # 1333 / 800


def resized(height: int, width: int, size: int, max_size: int) -> tuple[int, int]:
    """(height, width) with the ratio kept: the short edge at most ``size``, the long edge at most ``max_size`` pixels.

    The scale is min(max_size / long, size / short) and new edges are rounded half up, as mmcv's ``rescale_size`` does.
    """
    scale = min(max_size / max(height, width), size / min(height, width))
    return max(int(height * scale + 0.5), 1), max(int(width * scale + 0.5), 1)


class KeepRatioResize(v2.Transform):
    """Resize bilinearly, without anti-aliasing, so that the short edge is one of ``sizes``.

    Args:
        sizes: smallest and largest short edge in pixels; one is drawn for each image.
        max_size: limit of the long edge in pixels.
    """

    def __init__(self, sizes: tuple[int, int], max_size: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.max_size = max_size

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        low, high = self.sizes
        height, width = v2.query_size(flat_inputs)
        size = low if low == high else int(torch.randint(low, high + 1, ()))
        return {"size": resized(height, width, size, self.max_size)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if functional.get_size(inpt) == list(params["size"]):
            return inpt
        return functional.resize(
            inpt, list(params["size"]), interpolation=v2.InterpolationMode.BILINEAR, antialias=False
        )


def training_transform(data: DataConfig) -> v2.Compose:
    """Resize to ``size``, or to a short edge drawn from ``multi_scale``; flip; clip boxes; normalise."""
    sizes = data.multi_scale or [data.size, data.size]
    return v2.Compose([_resize(data, sizes), v2.RandomHorizontalFlip(data.flip), *_finish()])


def evaluation_transform(data: DataConfig) -> v2.Compose:
    """Resize to ``size``; clip boxes; normalise."""
    return v2.Compose([_resize(data, [data.size, data.size]), *_finish()])


def _resize(data: DataConfig, sizes: Sequence[int]) -> KeepRatioResize:
    max_size = round(data.size * LONG_TO_SHORT) if data.max_size is None else data.max_size
    low, high = sizes
    return KeepRatioResize((low, high), max_size)


def _finish() -> list[v2.Transform]:
    return [v2.ClampBoundingBoxes(), v2.ToDtype(torch.float32, scale=False), v2.Normalize(MEAN, STD)]
