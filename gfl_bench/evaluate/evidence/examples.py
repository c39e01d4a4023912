"""The first images with all that was detected on them."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gfl_bench.evaluate.evidence.pictures import Images, pictures, truths
from gfl_bench.evaluate.evidence.rows import Rows, described, detections, joined, named, take
from gfl_bench.evaluate.evidence.seen import Seen
from gfl_bench.models.postprocess import Candidates

IMAGES = 8
CANDIDATES = 300  # of an image, the best

_Note = tuple[list[int], Rows, list[Rows]]  # of the first images of a batch: ids, detections, and candidates of each


class Examples:
    """Pictures, ground truths, detections and candidates for NMS of the first images that are evaluated."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self._looked_at = 0  # images
        self._image_ids: list[int] = []
        self._detections: list[Rows] = []
        self._candidates: list[Rows] = []

    def look(self, seen: Seen) -> _Note | None:
        room = IMAGES - self._looked_at
        if room <= 0:
            return None
        ids, found = seen.batch.image_ids[:room], detections(seen)
        self._looked_at += len(ids)
        return ids, take(found, found["image"] < room), _candidates(seen, room)

    def take(self, note: _Note | None) -> None:
        room = IMAGES - len(self._image_ids)
        if note is None or room <= 0:
            return
        ids, found, candidates = note
        self._keep(self._detections, take(found, found["image"] < room))
        for rows in candidates[:room]:
            self._keep(self._candidates, rows)
        self._image_ids += ids[:room]

    def _keep(self, parts: list[Rows], rows: Rows) -> None:
        parts.append({**rows, "example": (rows["image"] + len(self._image_ids)).astype(np.int32)})

    def arrays(self) -> dict[str, NDArray[Any]]:
        found, candidates, ids = joined(self._detections), joined(self._candidates), self._image_ids
        return {
            "example_image_id": np.array(ids, np.int64),
            **pictures("example", ids, self.images), **truths("example", ids, self.images),
            "detection_example": found["example"], **named("detection", found),
            "candidate_example": candidates["example"], **named("candidate", candidates, ["distribution"]),
        }  # fmt: skip


def _candidates(seen: Seen, images: int) -> list[Rows]:
    """The best candidates of each of the first images of a batch, best first."""
    rows = []
    for number, (boxes, chosen) in enumerate(islice(seen.detector.candidates(seen.output, seen.batch), images)):
        best = chosen.score.topk(min(CANDIDATES, len(chosen.score))).indices
        kept = Candidates(chosen.location[best], chosen.label[best], chosen.score[best])
        rows.append(described(seen, torch.full_like(best, number), boxes[best], kept))
    return rows
