"""The numbers of a darknet .weights file, of its convolutions in the order of the .cfg file, and where each belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gfl_bench.models.backbones.darknet import ConvNorm
from gfl_bench.models.detector import Detector
from gfl_bench.models.heads import Head


def fill(detector: Detector, numbers: Tensor) -> int:
    """Give a small YOLO of ``quality=none box=dirac`` the weights ``numbers`` [N] float32; how many it took.

    Raises:
        IndexError: there are too few.
    """
    reader = _Reader(numbers)
    with torch.no_grad():
        for layer in _layers(detector):
            if isinstance(layer, ConvNorm):
                _fill_normed(layer, reader)
            else:
                _fill_said(layer, reader)
    return reader.taken


def count(detector: Detector) -> int:
    """Numbers that a file of this detector has: all parameters, and the running means and variances."""
    values = detector.state_dict().items()
    return sum(value.numel() for name, value in values if not name.endswith("num_batches_tracked"))


def _layers(detector: Detector) -> Iterator[ConvNorm | Head]:
    neck: Any = detector.neck
    head: Any = detector.head
    yield from (module for module in detector.backbone.modules() if isinstance(module, ConvNorm))
    fine, coarse = head.levels
    yield from (neck.squeeze, neck.coarse, coarse, neck.lateral, neck.fine, fine)


def _fill_normed(layer: ConvNorm, reader: _Reader) -> None:
    """darknet's ``load_convolutional_weights``: shifts, scales, means, variances, then the weights."""
    norm = layer.norm
    assert norm.running_mean is not None and norm.running_var is not None
    for tensor in (norm.bias, norm.weight, norm.running_mean, norm.running_var, layer.conv.weight):
        tensor.copy_(reader.take(tensor.numel()).reshape(tensor.shape))


def _fill_said(level: Head, reader: _Reader) -> None:
    """Biases, then weights; of each anchor x, y, w, h, the objectness, the classes."""
    assert level.aux is not None
    convs, anchors = (level.box, level.aux, level.cls), level.aux.out_channels
    parts = [conv.out_channels // anchors for conv in convs]
    for name, width in (("bias", 1), ("weight", level.aux.in_channels)):
        said = reader.take(anchors * sum(parts) * width).reshape(anchors, sum(parts), width)
        for conv, part in zip(convs, said.split(parts, dim=1), strict=True):
            tensor = getattr(conv, name)
            tensor.copy_(part.reshape(tensor.shape))


class _Reader:
    def __init__(self, numbers: Tensor) -> None:
        self.numbers, self.taken = numbers, 0

    def take(self, count: int) -> Tensor:
        first, self.taken = self.taken, self.taken + count
        if self.taken > len(self.numbers):
            raise IndexError(f"{len(self.numbers)} numbers, but {self.taken} and more are wanted")
        return self.numbers[first : self.taken]
