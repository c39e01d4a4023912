"""Where a location's quality is read from: the choices of ``guidance=`` (Section 3.1, Fig. 5, Table 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gfl_bench.config import schema
from gfl_bench.models.guidance.distribution import DistributionGuidance, topkm
from gfl_bench.models.guidance.sampled import (
    BorderDenseGuidance,
    BorderExtremeGuidance,
    BorderMiddleGuidance,
    DeformableGuidance,
    PointGuidance,
    RegionGuidance,
    RegularStarGuidance,
    SampledGuidance,
)

__all__ = ["GUIDANCES", "DistributionGuidance", "Guidance", "SampledGuidance", "topkm"]

Guidance = DistributionGuidance | SampledGuidance  # reads sides, or features around the box that they say


def _distribution(config: schema.DistributionGuidance, channels: int) -> Guidance | None:
    return DistributionGuidance(config) if config.k > 0 else None


GUIDANCES: dict[str, Callable[[Any, int], Guidance | None]] = {  # from the options and the features' channels
    "none": lambda config, channels: None,
    "distribution": _distribution,  # k = 0 reads nothing: none
    "point": PointGuidance,
    "region": RegionGuidance,
    "border_dense": BorderDenseGuidance,
    "border_middle": BorderMiddleGuidance,
    "border_extreme": BorderExtremeGuidance,
    "regular_star": RegularStarGuidance,
    "deformable": DeformableGuidance,
}
