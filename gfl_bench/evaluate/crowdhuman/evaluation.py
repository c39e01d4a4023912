"""All numbers of one evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfl_bench.evaluate.coco import EvaluationError
from gfl_bench.evaluate.crowdhuman.crowd import crowds_of
from gfl_bench.evaluate.crowdhuman.jaccard import Agreement, agreements
from gfl_bench.evaluate.crowdhuman.ranking import rank

COLUMNS = ("MR", "AP", "JI")  # as Table 14 has them


@dataclass(frozen=True)
class Measured:
    """Shares of one.

    Attributes:
        miss_rate: the log-average one, the lower the better.
        agreements: at each score threshold; the Jaccard index is the best of them.
    """

    miss_rate: float
    ap: float
    agreements: Sequence[Agreement]

    @property
    def jaccard(self) -> float:
        return max(one.index for one in self.agreements)

    @property
    def percent(self) -> dict[str, float | None]:
        """Under the names of ``COLUMNS``."""
        return dict(zip(COLUMNS, (100 * self.miss_rate, 100 * self.ap, 100 * self.jaccard), strict=True))


def evaluate(annotations: Path, detections: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """MR^-2, AP and JI of ``detections`` in percent, under the names of ``COLUMNS``; null where there is no person.

    Args:
        annotations: COCO JSON with full boxes, which may reach outside the image; ignored regions have ``iscrowd`` 1.
        detections: COCO results of one class, ``bbox`` (x, y, width, height) in pixels of the original image.

    Raises:
        EvaluationError: a detection is of an image that the annotations do not have.
    """
    try:
        measured = measure(json.loads(annotations.read_text(encoding="utf-8")), detections)
    except EvaluationError as error:
        raise EvaluationError(f"{annotations}: {error}") from error
    return dict.fromkeys(COLUMNS) if measured is None else measured.percent


def measure(dataset: Mapping[str, Any], detections: Sequence[Mapping[str, Any]]) -> Measured | None:
    """The same of an instances JSON that is read already, as shares; None where there is no person to find."""
    crowds = crowds_of(dataset, detections)
    ranking = rank(crowds)
    return Measured(ranking.miss_rate, ranking.ap, agreements(crowds)) if ranking.persons else None
