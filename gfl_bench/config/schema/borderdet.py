"""BorderDet's options beside FCOS's: ``detector=borderdet``."""

from __future__ import annotations

from dataclasses import dataclass, field

from gfl_bench.config.schema.detector import FCOS


@dataclass
class BorderConfig:
    """The second stage, which starts from the boxes of the first."""

    iou: float = 0.6  # of a first box with a ground truth, from which on the location learns it
    std: float = 0.5  # unit of the border offsets, as a share of the first box's width and height
    score_threshold: float = 0.05  # of the first stage's score alone; postprocess.score_threshold is of the final one


@dataclass
class BorderDet(FCOS):
    border: BorderConfig = field(default_factory=BorderConfig)
