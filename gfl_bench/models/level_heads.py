"""A head of its own for each level."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.models.guidance import Guidance
from gfl_bench.models.heads import Head, HeadShape
from gfl_bench.structures import HeadOutput


class LevelHeads(nn.Module):
    """The levels share nothing, a guidance's layers neither. Args as ``Head``."""

    each: type[Head] = Head

    def __init__(
        self, config: schema.HeadConfig, shape: HeadShape, guidance: Guidance | None,
        distances: Callable[[Tensor], Tensor],
    ) -> None:  # fmt: skip
        super().__init__()
        self.levels = nn.ModuleList(
            self.each(config, replace(shape, in_channels=[channels], priors=[priors]), deepcopy(guidance), distances)
            for channels, priors in zip(shape.in_channels, shape.priors, strict=True)
        )

    def forward(self, maps: list[Tensor]) -> HeadOutput:
        """Maps [B, in_channels[l], H_l, W_l], finest first -> what is said at the P priors of all of them."""
        levels = [level([x]) for level, x in zip(self.levels, maps, strict=True)]
        return HeadOutput(*(_joined([getattr(level, part.name) for level in levels]) for part in fields(HeadOutput)))


def _joined(parts: list[Any]) -> Any:
    """[B, P_l, ...] of each level -> [B, P, ...]; None where the levels have none."""
    return None if parts[0] is None else torch.cat(parts, dim=1)
