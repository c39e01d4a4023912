"""What happens to an image before it joins a batch: resize, flip, normalise.

Built from torchvision.transforms.v2, whose tv_tensors move the boxes with the pixels. Padding comes last, when the
batch is put together (``loader.collate``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from gfl_bench.config.schema import DataConfig, Pixels, Resize
from gfl_bench.data.letterbox import Letterbox
from gfl_bench.data.side_lengths import SideLengths
from gfl_bench.data.ssd_augmentation import SSDAugmentation

LONG_TO_SHORT = 5 / 3  # 1333 / 800


@dataclass(frozen=True)
class Normalisation:
    """(value - mean) / std of values 0..255, by channel."""

    order: str  # of the channels: RGB or BGR
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def rgb_mean(self) -> tuple[float, float, float]:
        first, green, last = self.mean
        return self.mean if self.order == "RGB" else (last, green, first)


NORMALISATIONS = {
    Pixels.torchvision: Normalisation("RGB", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    Pixels.caffe: Normalisation("BGR", (103.53, 116.28, 123.675), (1, 1, 1)),
    Pixels.centred: Normalisation("RGB", (123.675, 116.28, 103.53), (1, 1, 1)),
    Pixels.detectron: Normalisation("BGR", (102.9801, 115.9465, 122.7717), (1, 1, 1)),
    Pixels.bgr: Normalisation("BGR", (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)),
    Pixels.unit: Normalisation("RGB", (0, 0, 0), (255, 255, 255)),
}


def resized(height: int, width: int, size: int, max_size: int) -> tuple[int, int]:
    """(height, width) with the ratio kept: the short edge at most ``size``, the long edge at most ``max_size`` pixels.

    The scale is min(max_size / long, size / short) and new edges are rounded half up, as mmcv's ``rescale_size`` does.
    """
    scale = min(max_size / max(height, width), size / min(height, width))
    return max(int(height * scale + 0.5), 1), max(int(width * scale + 0.5), 1)


class Stretch(v2.Transform):
    """Resize bilinearly, without anti-aliasing, to a square whose side is one of ``sizes``.

    Args:
        sizes: smallest and largest side in pixels; one is drawn for each image.
    """

    def __init__(self, sizes: tuple[int, int]) -> None:
        super().__init__()
        self.sizes = sizes

    def target(self, height: int, width: int, size: int) -> tuple[int, int]:
        """(height, width) that an image gets where ``size`` was drawn."""
        return size, size

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        low, high = self.sizes
        height, width = v2.query_size(flat_inputs)
        size = low if low == high else int(torch.randint(low, high + 1, ()))
        new_height, new_width = self.target(height, width, size)
        return {"size": (new_height, new_width), "scale": (new_width / width, new_height / height)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if isinstance(inpt, SideLengths):
            return inpt.scaled(*params["scale"])
        if functional.get_size(inpt) == list(params["size"]):
            return inpt
        return functional.resize(
            inpt, list(params["size"]), interpolation=v2.InterpolationMode.BILINEAR, antialias=False
        )


class KeepRatioResize(Stretch):
    """The same, so that the short edge is one of ``sizes`` and the ratio is kept.

    Args:
        max_size: limit of the long edge in pixels.
    """

    def __init__(self, sizes: tuple[int, int], max_size: int) -> None:
        super().__init__(sizes)
        self.max_size = max_size

    def target(self, height: int, width: int, size: int) -> tuple[int, int]:
        return resized(height, width, size, self.max_size)


class SwapRedAndBlue(v2.Transform):
    """RGB images become BGR; boxes stay as they are."""

    _transformed_types = (tv_tensors.Image,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return tv_tensors.wrap(inpt.flip(-3), like=inpt)


def training_transform(data: DataConfig) -> v2.Compose:
    """Resize to ``size``, or to a share of it drawn from ``multi_scale``; shift; flip; jitter; clip boxes; normalise.

    SSD's augmentation comes before all of it. The boxes of crowds are not clipped.
    """
    before = [SSDAugmentation(NORMALISATIONS[data.pixels].rgb_mean)] if data.ssd_augmentation else []
    resize = _resize(data, data.multi_scale or [1, 1], data.shift)
    jitter: list[v2.Transform] = [v2.ColorJitter(*[data.color_jitter] * 3)] if data.color_jitter else []
    return v2.Compose([*before, resize, v2.RandomHorizontalFlip(data.flip), *jitter, *_finish(data)])


def evaluation_transform(data: DataConfig) -> v2.Compose:
    """Resize to ``size``; clip boxes; normalise."""
    return v2.Compose([_resize(data, [1, 1], 0), *_finish(data)])


def _resize(data: DataConfig, shares: Sequence[float], shift: float) -> Stretch | Letterbox:
    low, high = shares
    if data.resize is Resize.letterbox:
        return Letterbox(data.size, (low, high), shift)
    sizes = round(low * data.size), round(high * data.size)
    if data.resize is Resize.stretch:
        return Stretch(sizes)
    return KeepRatioResize(sizes, round(data.size * LONG_TO_SHORT) if data.max_size is None else data.max_size)


def _finish(data: DataConfig) -> list[v2.Transform]:
    pixels = NORMALISATIONS[data.pixels]
    clip: list[v2.Transform] = [] if data.of_crowds else [v2.ClampBoundingBoxes()]
    swap: list[v2.Transform] = [SwapRedAndBlue()] if pixels.order == "BGR" else []
    return [
        *clip, *swap, v2.ToDtype(torch.float32, scale=False), v2.Normalize(pixels.mean, pixels.std),
    ]  # fmt: skip
