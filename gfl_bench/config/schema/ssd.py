"""What SSD (Liu et al., 2016) alone has: its priors, its negatives, its neck."""

from __future__ import annotations

from dataclasses import dataclass, field

from gfl_bench.config.schema.assigner import AssignerConfig, MaxIoUAssigner
from gfl_bench.config.schema.detector import DetectorConfig, LatticeConfig
from gfl_bench.config.schema.network import NeckConfig


@dataclass
class SSDPriors(LatticeConfig):
    """Two squares and some oblongs in each cell, whose sizes follow the image's rather than the stride."""

    strides: list[int] = field(default_factory=lambda: [8, 16, 32, 64, 128, 256, 512])
    offset: float = 0.5
    image_size: int = 512  # short edge in pixels
    sizes: list[int] = field(  # side of each level's smaller square, in percent of ``image_size``; then one more
        default_factory=lambda: [4, 10, 26, 42, 58, 74, 90, 106]
    )
    ratios: list[list[float]] = field(  # long to short side of each level's oblongs, of which one lies and one stands
        default_factory=lambda: [[2], [2, 3], [2, 3], [2, 3], [2, 3], [2], [2]]
    )


@dataclass
class SSD(DetectorConfig):
    """It has no towers: of ``head`` it reads ``level_scales`` and ``score_prior`` alone."""

    prior: LatticeConfig = field(default_factory=SSDPriors)
    assigner: AssignerConfig = field(default_factory=MaxIoUAssigner)
    negatives: int = 3  # learnt for each positive of an image, the hardest ones; quality=none


@dataclass
class SSDNeck(NeckConfig):
    """The backbone's maps as they are, and coarser ones by strided convolutions."""

    name: str = "ssd"
    channels: int = 256  # of the coarser maps, but for the first, which has twice as many
    norm_scale: float = 20.0  # length of the finest map's vectors at the start, at 512 channels; falls with their root
