"""All parts of the evidence as one observer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gfl_bench.atomic import replacing
from gfl_bench.evaluate.evidence.background import Background
from gfl_bench.evaluate.evidence.examples import Examples
from gfl_bench.evaluate.evidence.extremes import Extremes
from gfl_bench.evaluate.evidence.pictures import Images
from gfl_bench.evaluate.evidence.positives import PositiveTable
from gfl_bench.evaluate.evidence.seen import Part, Seen
from gfl_bench.evaluate.evidence.targets import TargetHistogram
from gfl_bench.evaluate.observer import Observer
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Detections, HeadOutput, QualityPairs


class Evidence(Observer):
    """Collects while a split is evaluated; of every image a few numbers, of few images the picture.

    Args:
        images: of the split, with their ground truths.
    """

    def __init__(self, images: Images) -> None:
        self.positives = PositiveTable()
        self.parts: list[Part] = [self.positives, Background(), TargetHistogram(), Examples(images), Extremes(images)]

    def look(self, detector: Detector, output: HeadOutput, batch: Batch, found: list[Detections]) -> list[Any]:
        seen = Seen(detector, output, batch, found)
        return [part.look(seen) for part in self.parts]

    def take(self, note: list[Any]) -> None:
        for part, noted in zip(self.parts, note, strict=True):
            part.take(noted)

    @property
    def pairs(self) -> QualityPairs:
        """What Table 10 correlates, of all batches, on the CPU."""
        return self.positives.pairs

    def save(self, path: Path) -> None:
        """Write the arrays in place of ``path``."""
        arrays = {name: array for part in self.parts for name, array in part.arrays().items()}
        with replacing(path) as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
