"""What pycocotools counts, by faster-coco-eval: a fraction of the time, the same numbers to the last bit.

The two differ in one place. Precision is TP / (TP + FP); pycocotools adds 2.2e-16 to the denominator, which only a
denominator of 1 notices: where the best detection of a class is right and the second is not, pycocotools has a
precision of 1 - 2.2e-16 and faster-coco-eval 1. Which of the ones these are is asked for by one more recall threshold,
which one true detection does not reach and two do.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import faster_coco_eval
import numpy as np
from numpy.typing import NDArray
from pycocotools.cocoeval import COCOeval

from gfl_bench.evaluate.coco import Truth, indexed, results

ALONE = 1 / (1 + np.spacing(1))  # pycocotools' precision of one detection, which is right

Array = NDArray[np.float64]


class QuickTruth(Truth):
    """An annotation file, also as faster-coco-eval holds it."""

    def quick(self) -> Any:
        if not hasattr(self, "_quick"):
            dataset = {**self.dataset, "annotations": [dict(one) for one in self.dataset["annotations"]]}
            self._quick = indexed(faster_coco_eval.COCO(), dataset)
        return self._quick


def measure_quickly(
    truth: QuickTruth, detections: Sequence[dict[str, Any]], thresholds: Sequence[float] | None = None
) -> COCOeval:
    """As ``gfl_bench.evaluate.coco.measure``: pycocotools' object, its arrays filled by faster-coco-eval.

    Raises:
        EvaluationError: as ``Truth.check``.
    """
    truth.check(detections)
    found = results(truth.quick(), truth.dataset, detections)
    evaluation = faster_coco_eval.COCOeval_faster(truth.quick(), found, "bbox")
    params, referee = evaluation.params, COCOeval(iouType="bbox")
    if thresholds is not None:
        params.iouThrs = np.array(thresholds)
    second = 1.5 / np.maximum(_to_find(truth, params.catIds, params.areaRng), 1)  # [K, A] recall between one and two
    params.recThrs = np.union1d(referee.params.recThrs, second)
    evaluation.evaluate()
    evaluation.accumulate()
    referee.params.iouThrs, referee.params.imgIds, referee.params.catIds = params.iouThrs, params.imgIds, params.catIds
    referee.eval = _as_referee(evaluation.eval, params.recThrs, referee.params.recThrs, second)
    with contextlib.redirect_stdout(io.StringIO()):
        referee.summarize()
    return referee


def _to_find(truth: Truth, categories: Sequence[int], ranges: Sequence[Sequence[float]]) -> Array:
    """[K, A] how many objects of each category and range of areas count, crowds left out."""
    counts = np.zeros((len(categories), len(ranges)))
    numbers = {category: number for number, category in enumerate(categories)}
    for one in truth.dataset["annotations"]:
        if not one["iscrowd"] and one["category_id"] in numbers:
            counts[numbers[one["category_id"]]] += [low <= one["area"] <= high for low, high in ranges]
    return counts


def _as_referee(counted: dict[str, Any], asked: Array, standard: Array, second: Array) -> dict[str, Any]:
    """The arrays at the ``standard`` recall thresholds, of those ``asked``, with pycocotools' precision."""
    precision, scores = (np.asarray(counted[name]) for name in ("precision", "scores"))  # [T, R, K, A, M]
    categories, ranges = np.indices(second.shape)
    of_two = precision[:, np.searchsorted(asked, second), categories, ranges]  # [T, K, A, M]
    kept = np.searchsorted(asked, standard)
    precision, scores = precision[:, kept], scores[:, kept]
    precision[(precision == 1) & (of_two[:, None] < 1)] = ALONE
    return {"precision": precision, "recall": np.asarray(counted["recall"]), "scores": scores}
