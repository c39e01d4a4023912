"""AP50 from overlaps that are at hand: for counterfactual rankings, of which only differences are reported.

pycocotools remains the referee of every AP that stands in a table, and of this one in the tests. A ranking costs it as
much as the detector itself, for tens of numbers of which one is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gfl_bench.evaluate.displacement.pairs import POSITIVE_IOU

_RECALLS = np.linspace(0, 1, 101)


@dataclass
class Ranked:
    """The D detections of an image that count, best first: a few bytes of each."""

    score: NDArray[np.float32]  # [D]
    label: NDArray[np.int64]  # [D]
    hit: NDArray[np.bool_]  # [D], which find an object

    @classmethod
    def of(cls, score: Tensor, label: Tensor, overlap: Tensor, in_crowd: Tensor) -> Ranked:
        """Of detections, best first, those that count: in a crowd only those that find an object.

        Args:
            score, label: [D].
            overlap: [D, G + 1] of ``Truth.overlap``.
            in_crowd: [D] bool.
        """
        hit = find(overlap.cpu().numpy())
        counted = hit | ~in_crowd.cpu().numpy()
        return cls(score.cpu().numpy()[counted], label.cpu().numpy()[counted], hit[counted])


class AveragePrecision50:
    """Takes image after image."""

    def __init__(self) -> None:
        self._images = [Ranked(np.zeros(0, np.float32), np.zeros(0, np.int64), np.zeros(0, bool))]

    def add(self, image: Ranked) -> None:
        self._images.append(image)

    def value(self, objects: NDArray[np.int64]) -> float | None:
        """AP50 in percent, the mean over the classes that have objects; None without any.

        Args:
            objects: [C] number of objects of each class.
        """
        score, label, hit = (
            np.concatenate([getattr(image, field.name) for image in self._images]) for field in fields(Ranked)
        )
        ranked = np.argsort(-score, kind="stable")
        label, hit = label[ranked], hit[ranked]
        values = [_average(hit[label == one], int(objects[one])) for one in range(len(objects)) if objects[one]]
        return 100 * float(np.mean(values)) if values else None


def find(overlap: NDArray[np.float32]) -> NDArray[np.bool_]:
    """[D] bool: which detections, best first, find an object that none before them found, by ``overlap`` [D, G + 1]."""
    hit = np.zeros(len(overlap), dtype=bool)
    free = overlap.copy()
    for row in np.flatnonzero((overlap >= POSITIVE_IOU).any(axis=1)):
        best = free[row].argmax()
        if free[row, best] >= POSITIVE_IOU:
            hit[row] = True
            free[:, best] = 0
    return hit


def _average(hit: NDArray[np.bool_], objects: int) -> float:
    """Precision of a ranking [D], made to fall with recall, at COCO's 101 recalls."""
    found = hit.cumsum()
    precision = found / np.arange(1, len(hit) + 1)
    falling = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
    return float(falling[np.searchsorted(found / objects, _RECALLS)].mean())
