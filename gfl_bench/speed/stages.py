"""What is timed: three stretches of the way from an image file to its boxes, and a step of the training."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

import torch

from gfl_bench.config.schema import Precision
from gfl_bench.engine.device import autocast, move, place
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Detections, HeadOutput


class Stage(Enum):
    """What lies inside the clock."""

    model = "model"  # the network, from the image on the device to the head's output
    detect = "detect"  # and post-processing, to the boxes in pixels of the original image: the paper's
    end_to_end = "end_to_end"  # from the image file to these boxes on the host
    train = "train"  # from a batch on the device to the next weights


OF_AN_IMAGE = (Stage.model, Stage.detect, Stage.end_to_end)  # each holds the one before it


class TimedDetector:
    """A detector on its device in evaluation mode, its stages, and a clock that waits for the device.

    Everything is to be called in ``torch.inference_mode``.
    """

    def __init__(self, detector: Detector, device: torch.device, precision: Precision, channels_last: bool) -> None:
        place(detector, device, channels_last)
        detector.eval()
        self.detector = detector
        self.device = device
        self.precision = precision
        self.channels_last = channels_last

    def model(self, batch: Batch) -> HeadOutput:
        """``batch`` lies on the device."""
        with autocast(self.device, self.precision):
            output: HeadOutput = self.detector(batch.images)
        return output

    def detect(self, batch: Batch) -> list[Detections]:
        """``batch`` lies on the device."""
        return list(self.detector.predict(self.model(batch), batch))

    def end_to_end(self, load: Callable[[], Batch]) -> list[Detections]:
        """``load`` reads the batch from its files to the host."""
        return [_on_host(found) for found in self.detect(move(load(), self.device, self.channels_last))]

    def milliseconds(self, work: Callable[[], object]) -> float:
        """How long ``work`` takes, with all that it started on the device."""
        self._wait()
        start = time.perf_counter()
        work()
        self._wait()
        return 1000 * (time.perf_counter() - start)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _on_host(found: Detections) -> Detections:
    return Detections(found.boxes.cpu(), found.scores.cpu(), found.labels.cpu())
