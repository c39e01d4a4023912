"""Every positive location of the split: what Table 10 correlates, and how sure its sides are said to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfl_bench.evaluate.evidence.seen import Seen, columns
from gfl_bench.models.box.distribution import distances_in_strides
from gfl_bench.structures import QualityPairs

_DTYPES = {
    "positive_image": torch.int32, "positive_object": torch.int32, "positive_predicted": torch.float32,
    "positive_iou": torch.float32, "positive_class_score": torch.float16, "positive_stride": torch.float16,
    "side_target": torch.float16, "side_entropy": torch.float16, "side_top1": torch.float16,
    "side_topkm": torch.float16, "side_variance": torch.float16, "side_sigma": torch.float16,
}  # fmt: skip


_Note = tuple[dict[str, NDArray[Any]], list[int], int]  # columns, counting from the batch's start; images; objects


class PositiveTable:
    """One row a positive, by image and then by prior."""

    def __init__(self) -> None:
        self._rows: list[dict[str, NDArray[Any]]] = []
        self._image_ids: list[int] = []
        self._objects = 0

    def look(self, seen: Seen) -> _Note:
        image = seen.matched[1].row // seen.output.cls.shape[1]
        numbers = {"positive_image": image, "positive_object": seen.gt_index}
        rows = columns(numbers | _scores(seen) | _sides(seen), _DTYPES)
        return rows, seen.batch.image_ids, len(seen.batch.instances)

    def take(self, note: _Note) -> None:
        rows, image_ids, objects = note
        rows["positive_image"] += len(self._image_ids)
        rows["positive_object"] += self._objects
        self._rows.append(rows)
        self._image_ids += image_ids
        self._objects += objects

    def arrays(self) -> dict[str, NDArray[Any]]:
        names = list(self._rows[0]) if self._rows else []
        joined = {name: np.concatenate([row[name] for row in self._rows]) for name in names}
        return {"image_id": np.array(self._image_ids, np.int64), **joined}

    @property
    def pairs(self) -> QualityPairs:
        """What Table 10 correlates."""
        return QualityPairs(*(self._column(name) for name in ("positive_predicted", "positive_iou")))

    def _column(self, name: str) -> Tensor:
        return torch.cat([torch.zeros(0), *(torch.from_numpy(row[name]) for row in self._rows)])


def _scores(seen: Seen) -> dict[str, Tensor]:
    _, positives = seen.matched
    rated = seen.detector.rated(seen.output, positives)
    alone = seen.detector.class_scores_at(seen.output, positives.row)
    return {
        "positive_predicted": rated.predicted, "positive_iou": rated.iou,
        "positive_class_score": alone.gather(1, positives.label[:, None]).squeeze(1),
        "positive_stride": positives.priors.stride,
    }  # fmt: skip


def _sides(seen: Seen) -> dict[str, Tensor]:
    _, positives = seen.matched
    told = {f"side_{name}": value for name, value in seen.detector.box.spread(positives.raw).items()}
    sigma = seen.batch.instances.sigma
    if sigma is not None:
        told["side_sigma"] = sigma[seen.gt_index]
    return {"side_target": distances_in_strides(positives.priors, positives.target), **told}
