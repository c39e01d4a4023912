"""What is measured while a split is evaluated: each measurement sees every batch once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Detections, HeadOutput


class Observer(ABC):
    """Called once a batch, in the order of evaluation, in inference mode, on the device of the run.

    Of processes that share a split each looks at its own batches, and rank 0 takes the notes of all in the order of
    evaluation: what it ends with is what one process would have.
    """

    def see(self, detector: Detector, output: HeadOutput, batch: Batch, found: list[Detections]) -> None:
        """Look at a batch and take note of it."""
        self.take(self.look(detector, output, batch, found))

    @abstractmethod
    def look(self, detector: Detector, output: HeadOutput, batch: Batch, found: list[Detections]) -> Any:
        """A note of a batch: plain values and NumPy arrays.

        Args:
            output: of the head; float32.
            found: the detections of each image, in pixels of the original image, each with its ``location``.
        """

    @abstractmethod
    def take(self, note: Any) -> None:
        """Keep what is wanted of a note, which may be of a batch that another process looked at."""
