"""Which numbers are counted on which data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gfl_bench.config.schema import DataConfig
from gfl_bench.evaluate import coco, crowdhuman

Evaluation = Callable[[Path, Sequence[dict[str, Any]]], dict[str, float | None]]


def evaluation_of(data: DataConfig) -> Evaluation:
    """Of crowds MR, AP and JI as CrowdDet counts them, of all else COCO's AP; from annotations and COCO results."""
    return crowdhuman.evaluate if data.of_crowds else coco.evaluate
