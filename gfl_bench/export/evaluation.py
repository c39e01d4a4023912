"""AP of an exported file: the runtime says, and the project decodes, suppresses and evaluates as ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfl_bench.config.paths import cache_folder
from gfl_bench.config.schema import Precision
from gfl_bench.data.coco import CocoDataset
from gfl_bench.data.loader import eval_batches, prepare
from gfl_bench.data.transforms import evaluation_transform
from gfl_bench.engine.trained import Trained
from gfl_bench.evaluate.chosen import evaluation_of
from gfl_bench.evaluate.inference import infer
from gfl_bench.export.error import ExportError
from gfl_bench.export.network import output_of
from gfl_bench.export.runtimes import Runtime
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, HeadOutput


class Evaluation:
    """The validation split of ``trained``'s data, each image padded to ``size`` (height, width), one at a time.

    Raises:
        DataError: the split cannot be used.
        ExportError: an image is larger than ``size`` (when it is asked for).
    """

    def __init__(self, trained: Trained, size: tuple[int, int]) -> None:
        data = trained.config.data
        split = prepare(data, cache_folder(trained.config.paths.cache), ("val",))["val"]
        self.dataset = CocoDataset(split, evaluation_transform(data), training=False)
        self.detector, self.size, self.evaluate = trained.detector, size, evaluation_of(data)

    def metrics(self, runtime: Runtime | None) -> dict[str, float | None]:
        """AP and its kin in percent; with None of PyTorch in float32."""
        found = infer(
            self.detector if runtime is None else said_by(runtime, self.detector), self._batches(),
            device=torch.device("cpu"), precision=Precision.fp32, category_ids=self.dataset.category_ids,
            channels_last=False, total=len(self.dataset),
        )  # fmt: skip
        return self.evaluate(self.dataset.split.annotations, found)

    def _batches(self) -> Iterator[Batch]:
        return padded(eval_batches(self.dataset, batch_size=1, workers=0), self.size)


def said_by(runtime: Runtime, detector: Detector) -> Detector:
    """A copy of ``detector`` whose network is ``runtime``; decoding and NMS are its own."""
    twin = copy(detector)
    twin._modules = {**detector._modules, "backbone": nn.Identity(), "neck": nn.Identity(), "head": _Head(runtime)}
    return twin


class _Head(nn.Module):
    """Takes the image itself."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__()
        self.runtime = runtime

    def forward(self, images: Tensor) -> HeadOutput:
        return output_of(self.runtime(images))


def padded(batches: Iterable[Batch], size: tuple[int, int]) -> Iterator[Batch]:
    """``batches`` with zeros to the right and below up to ``size`` (height, width)."""
    for batch in batches:
        height, width = batch.images.shape[-2:]
        if height > size[0] or width > size[1]:
            raise ExportError(
                f"image {batch.image_ids[0]} is {height} x {width} pixels after resizing, and the network was exported "
                f"for {size[0]} x {size[1]}: give a larger --size"
            )
        yield replace(batch, images=functional.pad(batch.images, (0, size[1] - width, 0, size[0] - height)))
