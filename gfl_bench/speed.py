"""Frames per second under the protocol of docs/speed_protocol.md, and the size of a detector."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from statistics import fmean, median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from gfl_bench.config.schema import Precision
from gfl_bench.engine.device import autocast, device_name, move, place
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Detections

WARMUP_WINDOW = 5  # passes; there are two windows at the least
WARMUP_TOLERANCE = 0.03  # by which the medians of two windows in a row may differ
WARMUP_LIMIT = 50  # passes


class SpeedError(ValueError):
    """There is nothing that could be timed."""


@dataclass(frozen=True)
class SpeedRecord:
    """A timing, with all that is needed to read it. Times are milliseconds an image, post-processing included."""

    fps: float  # 1000 / median_ms
    median_ms: float
    p5_ms: float
    p95_ms: float
    samples_ms: list[float]  # in the order in which they were taken
    warmup: int  # passes over the first image before the first sample
    device: str
    threads: int  # torch's, on the CPU
    precision: str
    channels_last: bool
    image_sizes: list[tuple[int, int]]  # (height, width) of the padded images, each size once
    candidates: float | None  # boxes an image that torchvision's NMS was given, mean; null where it was not called
    detections: float  # boxes an image that were left, mean

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)


def time_inference(
    detector: Detector,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    precision: Precision,
    images: int,
    channels_last: bool = True,
) -> SpeedRecord:
    """Time ``images`` forward passes with post-processing, one image each.

    Args:
        detector: is moved to ``device`` and left in evaluation mode.
        batches: of one image each; the first ``images`` are used, again from the first where there are fewer.

    Raises:
        SpeedError: there is no image, or a batch has several.
    """
    place(detector, device, channels_last)
    detector.eval()
    loaded = [move(batch, device, channels_last) for batch in islice(batches, images)]
    _check(loaded)
    timed = _TimedPass(detector, device, precision)
    with torch.inference_mode():
        warmup = _warm_up(timed, loaded)
        samples = [timed(batch) for batch in islice(cycle(loaded), images)]
        candidates, detections = _count_boxes(timed, loaded)
    return SpeedRecord(
        fps=1000 / median(samples),
        median_ms=median(samples),
        p5_ms=float(np.percentile(samples, 5)),
        p95_ms=float(np.percentile(samples, 95)),
        samples_ms=samples,
        warmup=warmup,
        device=device_name(device),
        threads=torch.get_num_threads(),
        precision=precision.value,
        channels_last=channels_last,
        image_sizes=sorted({_size(batch) for batch in loaded}),
        candidates=candidates,
        detections=detections,
    )


class _TimedPass:
    """One image from network to boxes, in milliseconds."""

    def __init__(self, detector: Detector, device: torch.device, precision: Precision) -> None:
        self._detector = detector
        self._device = device
        self._precision = precision

    def __call__(self, batch: Batch) -> float:
        self._wait()
        start = time.perf_counter()
        self.detect(batch)
        self._wait()
        return 1000 * (time.perf_counter() - start)

    def detect(self, batch: Batch) -> list[Detections]:
        with autocast(self._device, self._precision):
            output = self._detector(batch.images)
        return list(self._detector.predict(output, batch))

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _check(batches: list[Batch]) -> None:
    if not batches:
        raise SpeedError("there is no image to time: the validation split is empty, or machine.speed_images is 0")
    if any(len(batch.image_ids) != 1 for batch in batches):
        raise SpeedError("images are timed one at a time: give batches of one image")


def _warm_up(timed: _TimedPass, batches: list[Batch]) -> int:
    """Pass the first image until the time has settled, then each other size once; returns the first image's passes."""
    before, after = _window(timed, batches[0]), _window(timed, batches[0])
    passes = 2 * WARMUP_WINDOW
    while abs(after / before - 1) > WARMUP_TOLERANCE and passes < WARMUP_LIMIT:
        before, after = after, _window(timed, batches[0])
        passes += WARMUP_WINDOW
    for batch in {_size(batch): batch for batch in batches}.values():
        timed(batch)  # kernels are chosen and memory is taken at the first sight of a size
    return passes


def _window(timed: _TimedPass, batch: Batch) -> float:
    return median(timed(batch) for _ in range(WARMUP_WINDOW))


def _size(batch: Batch) -> tuple[int, int]:
    height, width = batch.images.shape[-2:]
    return height, width


class _NMSInputs(TorchDispatchMode):
    """Counts the boxes that any detector hands to torchvision's NMS."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: int | None = None

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.torchvision.nms.default:
            self.boxes = (self.boxes or 0) + len(args[0])
        return func(*args, **(kwargs or {}))


def _count_boxes(timed: _TimedPass, batches: list[Batch]) -> tuple[float | None, float]:
    """Boxes an image before and after NMS, in passes of their own, since counting takes time."""
    with _NMSInputs() as given:
        left = [len(detections.scores) for batch in batches for detections in timed.detect(batch)]
    return None if given.boxes is None else given.boxes / len(batches), fmean(left)


def count_flops(detector: nn.Module, images: Tensor) -> int:
    """Floating point operations of the forward pass over ``images`` [B, 3, H, W].

    As torch counts: convolutions and matrix products only, a multiplication and an addition are two. Published figures
    of detectors mostly take the two for one, and are half of this.
    """
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        detector.eval()(images)
    return int(counter.get_total_flops())


def count_parameters(detector: nn.Module) -> int:
    """Numbers in all parameters, frozen ones included, buffers not."""
    return sum(parameter.numel() for parameter in detector.parameters())
