"""The Jaccard index: how far the set of detections above a score and the set of persons are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from gfl_bench.evaluate.crowdhuman.crowd import Crowd
from gfl_bench.evaluate.crowdhuman.overlaps import THRESHOLD

SCORES = tuple(1e-1 * step for step in range(10))  # the index is the best of these thresholds
EPSILON = 1e-6


@dataclass(frozen=True)
class Agreement:
    """Of all images at one score threshold.

    Attributes:
        index: mean over the images that have a detection or a person.
        matched: pairs of a detection and a person.
        detections: those that match nothing and may be ignored not counted.
        persons: likewise.
    """

    score: float
    index: float
    matched: int
    detections: int
    persons: int


def agreements(crowds: Sequence[Crowd]) -> list[Agreement]:
    """One for each of ``SCORES``."""
    return [_agreement(crowds, score) for score in SCORES]


def _agreement(crowds: Sequence[Crowd], score: float) -> Agreement:
    counts = np.array([_counts(crowd, score) for crowd in crowds])
    matched, detections, persons = counts.T
    index = matched / (detections + persons - matched + EPSILON)
    mean = index.sum() / max(np.count_nonzero(detections + persons), 1)
    return Agreement(score, float(mean), int(matched.sum()), int(detections.sum()), int(persons.sum()))


def _counts(crowd: Crowd, score: float) -> tuple[int, int, int]:
    """Pairs, detections and persons of one image."""
    above = int(np.searchsorted(-crowd.scores, -score))
    found, persons = _matched(crowd.iou[:above])
    detections = above - np.count_nonzero(np.delete(crowd.excused[:above], found))
    needed = crowd.iou.shape[1] - np.count_nonzero(np.delete(crowd.dispensable, persons))
    return len(found), int(detections), int(needed)


def _matched(iou: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the pairs whose IoU is above the threshold and sums to the most."""
    weights = np.where(iou > THRESHOLD, iou, 0)
    rows, columns = np.flatnonzero(weights.any(axis=1)), np.flatnonzero(weights.any(axis=0))
    near = weights[np.ix_(rows, columns)]
    row, column = linear_sum_assignment(near, maximize=True)
    paired = near[row, column] > 0
    return rows[row[paired]], columns[column[paired]]
