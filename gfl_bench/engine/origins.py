"""Whose published files become our detectors, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from gfl_bench.config.schema import Config
from gfl_bench.models.nanodet_names import PROJECT, from_nanodet, in_use, to_nanodet
from gfl_bench.models.priors import boxes_per_cell
from gfl_bench.models.reference_names import family_of, from_reference, to_reference

_EARLY = re.compile(r"^bbox_head\.(?:fcos|fovea)_(cls|reg|centerness)\.")  # names before mmdetection 2

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Origin:
    """Who wrote such files.

    Attributes:
        present: their tensors by present names, without those of no use.
        ours: these under our names.
        theirs: ours under their names, of a detector of the given option.
        classes: how many there are, of so many rows of what says them, beside which these tensors lie.
    """

    name: str
    present: Callable[[Tensors], dict[str, Tensor]]
    ours: Callable[[Tensors], dict[str, Tensor]]
    theirs: Callable[[Tensors, str], dict[str, Tensor]]
    classes: Callable[[int, Tensors, Config], int]


def _classes_of_reference(rows: int, beside: Tensors, config: Config) -> int:
    background = 1 if "bbox_head.cls_convs.0.0.weight" in beside else 0
    return rows // boxes_per_cell(config.detector.prior)[0] - background


MMDETECTION = Origin(
    "mmdetection", lambda state: {_EARLY.sub(r"bbox_head.conv_\1.", name): value for name, value in state.items()},
    from_reference, lambda state, detector: to_reference(state, family_of(detector, state)), _classes_of_reference,
)  # fmt: skip
NANODET = Origin(
    "the original NanoDet", in_use, from_nanodet, lambda state, detector: to_nanodet(state),
    lambda rows, beside, config: rows - 4 * len(beside[PROJECT]),
)  # fmt: skip
