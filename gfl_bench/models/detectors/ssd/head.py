"""SSD's head (Liu et al., 2016): on each map one convolution for the classes and one for the boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.guidance import Guidance
from gfl_bench.models.heads import HeadShape
from gfl_bench.models.level_heads import LevelHeads


class SSDHead(LevelHeads):
    """A head without towers for each level, since their maps differ in width and their cells in priors."""

    def __init__(
        self, config: schema.HeadConfig, shape: HeadShape, guidance: Guidance | None,
        distances: Callable[[Tensor], Tensor],
    ) -> None:  # fmt: skip
        super().__init__(replace(config, stacked_convs=0), shape, guidance, distances)
