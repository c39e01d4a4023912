"""How far the sides of the ground truths lie from the locations that learn them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gfl_bench.evaluate.evidence.seen import Seen
from gfl_bench.models.box.distribution import distances_in_strides

WIDTH = 0.25  # strides, of a bin
BINS = 128  # and one for all beyond


class TargetHistogram:
    """Of the four sides of every positive; a side on the location's other side counts as 0."""

    def __init__(self) -> None:
        self._counts = np.zeros(BINS + 1, np.int64)

    def look(self, seen: Seen) -> NDArray[np.int64]:
        _, positives = seen.matched
        target = distances_in_strides(positives.priors, positives.target)
        place = (target.flatten() / WIDTH).long().clamp(0, BINS)
        return torch.bincount(place, minlength=BINS + 1).cpu().numpy()

    def take(self, note: NDArray[np.int64]) -> None:
        self._counts += note

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"target_histogram": self._counts}
