"""From the pixels of one picture to its detections."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from gfl_bench.data.annotations import ImageRecord
from gfl_bench.data.coco import to_sample
from gfl_bench.data.loader import collate
from gfl_bench.data.transforms import evaluation_transform
from gfl_bench.engine.device import autocast, choose_device, move, place
from gfl_bench.engine.trained import Trained
from gfl_bench.structures import Detections

_NO_BOXES, _NO_LABELS = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)


class Predictor:
    """A detector on its device, with what its configuration does to a picture before and to its boxes after.

    Args:
        threshold: least score of a detection, beside the configuration's own ``detector.postprocess``.
    """

    def __init__(self, trained: Trained, threshold: float = 0.0) -> None:
        self.detector, self.config, self.threshold = trained.detector, trained.config, threshold
        self.device = choose_device(self.config.machine.device)
        self.transform = evaluation_transform(self.config.data)
        place(self.detector, self.device, self.config.machine.channels_last)

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8]) -> Detections:
        """[H, W, 3] RGB -> detections in its pixels, on the CPU, best first."""
        height, width = pixels.shape[:2]
        record = ImageRecord(0, "", width, height, _NO_BOXES, _NO_LABELS, _NO_BOXES, None)
        batch = collate([to_sample(record, pixels, self.transform)])
        batch = move(batch, self.device, self.config.machine.channels_last)
        with autocast(self.device, self.config.precision):
            output = self.detector(batch.images)
        (found,) = self.detector.predict(output, batch)
        kept = found.scores >= self.threshold
        return Detections(found.boxes[kept].cpu(), found.scores[kept].cpu(), found.labels[kept].cpu())
