"""What is measured while a split is evaluated: each measurement sees every batch once."""

from __future__ import annotations

from typing import Protocol

from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Detections, HeadOutput


class Observer(Protocol):
    """Called once a batch, in the order of evaluation, in inference mode, on the device of the run."""

    def see(self, detector: Detector, output: HeadOutput, batch: Batch, found: list[Detections]) -> None:
        """Take note of a batch.

        Args:
            output: of the head; float32.
            found: the detections of each image, in pixels of the original image, each with its ``location``.
        """
