"""AP and MR^-2: what detections are worth from the highest score down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import trapezoid

from gfl_bench.evaluate.crowdhuman.crowd import Crowd
from gfl_bench.evaluate.crowdhuman.overlaps import THRESHOLD, Array

# False positives an image at which misses are read (Dollar et al., 2012); as rounded as CrowdDet has them.
REFERENCES = (0.0100, 0.0178, 0.0316, 0.0562, 0.1000, 0.1778, 0.3162, 0.5623, 1.0000)

FOUND, WRONG, EXCUSED = 1, 0, -1


def outcomes(crowd: Crowd) -> NDArray[np.int64]:
    """Whether each detection found a person, nothing, or does not count, [D].

    The best of those of a person takes it; of several persons a detection takes the nearest that is left.
    """
    outcome = np.where(crowd.excused, EXCUSED, WRONG)
    overlaps = np.where(crowd.iou > THRESHOLD, crowd.iou, 0)
    for row in np.flatnonzero(overlaps.any(axis=1)):
        person = overlaps[row].argmax()
        if overlaps[row, person] > 0:
            outcome[row] = FOUND
            overlaps[:, person] = 0
    return outcome


@dataclass(frozen=True)
class Ranking:
    """What counts of all images' detections, by falling score.

    Attributes:
        found: [N] persons found so far.
        wrong: [N] false positives so far.
    """

    found: NDArray[np.int64]
    wrong: NDArray[np.int64]
    persons: int
    images: int

    @property
    def ap(self) -> float:
        """Area below precision over recall, by the trapezoidal rule from the first detection on."""
        precision = self.found / (self.found + self.wrong)
        return float(trapezoid(precision, self.found / self.persons))

    @property
    def miss_rate(self) -> float:
        """Geometric mean of the share of persons that are missed at each of ``REFERENCES``."""
        if not len(self.found):
            return 1.0
        first = np.searchsorted(self.wrong / self.images, REFERENCES).clip(max=len(self.wrong) - 1)
        missed: Array = 1 - self.found[first] / self.persons
        with np.errstate(divide="ignore"):  # nothing missed somewhere makes it 0
            return float(np.exp(np.log(missed).mean()))


def rank(crowds: Sequence[Crowd]) -> Ranking:
    """All images' detections in one list; equal scores in the order of the images."""
    outcome = np.concatenate([outcomes(crowd) for crowd in crowds])
    scores = np.concatenate([crowd.scores for crowd in crowds])
    ranked = outcome[np.argsort(-scores, kind="stable")]
    ranked = ranked[ranked != EXCUSED]
    persons = sum(crowd.iou.shape[1] for crowd in crowds)
    return Ranking(np.cumsum(ranked == FOUND), np.cumsum(ranked == WRONG), persons, len(crowds))
