"""The timing of one detector alone, as each run's ``result.json`` has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import cycle, islice
from typing import Any

import torch

from gfl_bench.config.schema import Precision
from gfl_bench.engine.device import move
from gfl_bench.models.detector import Detector
from gfl_bench.results.samples import Summary, summarise
from gfl_bench.speed.candidates import count_boxes
from gfl_bench.speed.conditions import Watch
from gfl_bench.speed.error import SpeedError
from gfl_bench.speed.protocol import Flags, Protocol, digest, machine
from gfl_bench.speed.stages import TimedDetector
from gfl_bench.speed.turns import warm_up
from gfl_bench.structures import Batch


@dataclass(frozen=True)
class SpeedRecord(Summary):
    """A timing, with all that is needed to read it. Times are milliseconds an image, post-processing included."""

    samples_ms: list[float]  # in the order in which they were taken
    warmup: int  # passes over the first image before the first sample
    protocol: dict[str, Any]  # how it was taken; only timings of the same id compare
    hardware: dict[str, Any]  # what computed, likewise
    conditions: dict[str, Any]  # clocks and load meanwhile
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
    """Time ``images`` forward passes with post-processing, one image each, at the configured threshold.

    Args:
        detector: is moved to ``device`` and left in evaluation mode.
        batches: of one image each; the first ``images`` are used, again from the first where there are fewer.

    Raises:
        SpeedError: there is no image, or a batch has several.
    """
    watch = Watch(device)
    timed = TimedDetector(detector, device, precision, channels_last)
    loaded = [move(batch, device, channels_last) for batch in islice(batches, images)]
    _check(loaded)
    passes = [partial(timed.detect, batch) for batch in loaded]
    with torch.inference_mode():
        warmup = warm_up(lambda: timed.milliseconds(passes[0]))
        for detect in _one_of_each_size(loaded, passes):
            detect()  # kernels are chosen and memory is taken at the first sight of a size
        samples = [timed.milliseconds(detect) for detect in islice(cycle(passes), images)]
        candidates, detections = count_boxes(passes)
    flags = Flags.now(detector, device, precision, channels_last)
    protocol = Protocol(False, None, "given", digest(_images(loaded)), flags)
    return SpeedRecord(
        **asdict(summarise(samples)),
        samples_ms=samples,
        warmup=warmup,
        protocol=protocol.to_dict(),
        hardware=machine(device),
        conditions=watch.told(),
        image_sizes=sorted({padded_size(batch) for batch in loaded}),
        candidates=candidates,
        detections=detections,
    )


def padded_size(batch: Batch) -> tuple[int, int]:
    """(height, width) of the images of ``batch``."""
    height, width = batch.images.shape[-2:]
    return height, width


def _check(batches: list[Batch]) -> None:
    if not batches:
        raise SpeedError("there is no image to time: the validation split is empty, or machine.speed_images is 0")
    if any(len(batch.image_ids) != 1 for batch in batches):
        raise SpeedError("images are timed one at a time: give batches of one image")


def _one_of_each_size(batches: list[Batch], passes: list[Any]) -> list[Any]:
    return list({padded_size(batch): one for batch, one in zip(batches, passes, strict=True)}.values())


def _images(batches: list[Batch]) -> list[Any]:
    return [[batch.image_ids[0], *padded_size(batch)] for batch in batches]
