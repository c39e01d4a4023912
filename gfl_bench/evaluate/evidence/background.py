"""What is said where there is nothing: at the locations that learn to be background."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfl_bench.evaluate.evidence.seen import Seen
from gfl_bench.models.assigners.assignment import NEGATIVE

BINS = 100  # of equal width over [0, 1]; 1 belongs to the last


class Background:
    """Histograms, over all negative locations, of the quality number and of the score that NMS ranks by.

    Both are the largest of all classes. The quality is the branch's where there is one, else the joint score; of a
    detector that has neither it is the class score.
    """

    def __init__(self) -> None:
        self._counts = np.zeros((2, BINS), np.int64)  # of the quality, and of the score

    def look(self, seen: Seen) -> NDArray[np.int64]:
        negative = seen.matched[0].gt_index.flatten() == NEGATIVE
        scores, factor = seen.detector.ranking(seen.output)
        best = scores.amax(dim=-1) if factor is None else (scores * factor).amax(dim=-1)
        return np.stack([_histogram(seen.quality.amax(dim=-1)[negative]), _histogram(best.flatten()[negative])])

    def take(self, note: NDArray[np.int64]) -> None:
        self._counts += note

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"background_quality": self._counts[0], "background_score": self._counts[1]}


def _histogram(values: Tensor) -> NDArray[np.int64]:
    place = (values * BINS).long().clamp(0, BINS - 1)
    return torch.bincount(place, minlength=BINS).cpu().numpy()
