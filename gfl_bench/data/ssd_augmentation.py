"""What SSD does to its training images (Liu et al., 2016, Sections 2.2 and 3.6), of torchvision's transforms."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from gfl_bench.structures import have_area


class SSDAugmentation:
    """Distort the colours, put the image onto a larger canvas, cut a piece out.

    The piece holds a ground truth's centre, and an IoU with some ground truth that is drawn; those whose centres lie
    outside are left out, and of ignored boxes those that nothing is left of.

    Args:
        fill: RGB of the canvas, 0..255.
    """

    def __init__(self, fill: tuple[float, float, float]) -> None:
        self._distort = v2.RandomPhotometricDistort()
        self._enlarge = v2.RandomZoomOut(fill=list(fill))
        self._crop = v2.RandomIoUCrop()

    def __call__(self, sample: dict[str, Any]) -> dict[str, Any]:
        sample = self._enlarge(self._distort(sample))
        drawn = self._crop.make_params([sample["image"], sample["boxes"]])
        return _cut(sample, **drawn) if drawn else sample


def _cut(sample: dict[str, Any], is_within_crop_area: Tensor, **window: int) -> dict[str, Any]:
    image, boxes, ignored = (functional.crop(sample[name], **window) for name in ("image", "boxes", "ignored_boxes"))
    learnt = {name: sample[name] for name in ("labels", "sigma") if name in sample} | {"boxes": boxes}
    left = ignored[have_area(ignored)]
    return sample | {
        "image": image,
        "ignored_boxes": tv_tensors.wrap(left, like=ignored),
        **{name: tv_tensors.wrap(value[is_within_crop_area], like=value) for name, value in learnt.items()},
    }
