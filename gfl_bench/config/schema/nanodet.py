"""What NanoDet's head has that others have not: ``detector=nanodet`` (Section 4.6)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gfl_bench.config.schema.detector import ATSS, HeadConfig


@dataclass
class NanoDetHead(HeadConfig):
    """Each level has a tower of its own, and its batch norms: of norms, biases and ``aux_tower`` nothing is read."""

    channels: int = 96
    stacked_convs: int = 2
    level_scales: bool = False
    leak: float = 0.1  # slope of the activations below 0


@dataclass
class NanoDet(ATSS):
    head: HeadConfig = field(default_factory=NanoDetHead)
