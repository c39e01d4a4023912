"""Detections whose sides are the least and the most sure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfl_bench.evaluate.evidence.pictures import Images, pictures, truths
from gfl_bench.evaluate.evidence.rows import Rows, detections, joined, named, take
from gfl_bench.evaluate.evidence.seen import Seen

EACH = 12
SURE = 0.3  # score from which a detection counts
SHARE = 0.05  # of all detections, the best, where fewer than 24 have that score
MOST = 25_000  # detections in memory: the share of COCO val's half million


class Extremes:
    """``flat_*`` and ``sharp_*``: highest and lowest mean entropy of the four sides; nothing of other boxes.

    There are 12 of each, fewer where fewer than 24 detections count.
    """

    def __init__(self, images: Images) -> None:
        self.images = images
        self._looked_at = 0  # detections of that score
        self._parts: list[Rows] = []
        self._seen, self._enough = 0, False  # whether there are 24 with that score

    def look(self, seen: Seen) -> tuple[Rows, int] | None:
        """Detections, without those that cannot count any more, and how many there were."""
        if seen.detector.box.probabilities(seen.output.box[:, :1]) is None:
            return None
        found = detections(seen, SURE if self._looked_at >= 2 * EACH else 0.0)
        self._looked_at += _sure(found)
        return found, sum(len(one.scores) for one in seen.found)

    def take(self, note: tuple[Rows, int] | None) -> None:
        if note is None:
            return
        found, count = note
        self._parts.append(take(found, found["score"] >= SURE) if self._enough else found)
        self._seen += count
        self._enough = sum(_sure(part) for part in self._parts) >= 2 * EACH
        if self._enough or sum(len(part["score"]) for part in self._parts) > 2 * MOST:
            self._parts = [_worth_keeping(joined(self._parts))]

    def arrays(self) -> dict[str, NDArray[Any]]:
        if not self._parts:
            return {}
        rows = joined(self._parts)
        counted = rows if self._enough else take(rows, _best(rows, math.ceil(SHARE * self._seen)))
        sharp, flat = _ends(counted)
        return self._written("flat", take(counted, flat)) | self._written("sharp", take(counted, sharp))

    def _written(self, name: str, rows: Rows) -> dict[str, NDArray[Any]]:
        ids = rows["image_id"].tolist()
        number = {f"{name}_example": np.arange(len(ids), dtype=np.int32), f"{name}_image_id": rows["image_id"]}
        return number | named(name, rows) | pictures(name, ids, self.images) | truths(name, ids, self.images)


def _sure(rows: Rows) -> int:
    return int((rows["score"] >= SURE).sum())


def _worth_keeping(rows: Rows) -> Rows:
    """Those that may still be among the extremes, in their order."""
    sure = np.flatnonzero(rows["score"] >= SURE)
    if len(sure) < 2 * EACH:
        return take(rows, _best(rows, MOST))
    return take(rows, np.sort(sure[np.concatenate(_ends(take(rows, sure)))]))


def _best(rows: Rows, count: int) -> NDArray[np.int64]:
    """Those of the highest scores, in their order."""
    return np.sort(np.argsort(-rows["score"], kind="stable")[:count])


def _ends(rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the lowest and of the highest entropy, the extreme one first."""
    order = np.argsort(rows["entropy"], kind="stable")
    each = min(EACH, len(order) // 2)
    return order[:each], order[len(order) - each :][::-1]
