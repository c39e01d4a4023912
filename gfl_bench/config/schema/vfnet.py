"""What VFNet has besides (Zhang et al., 2021)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gfl_bench.config.schema.detector import ATSS, HeadConfig


@dataclass
class VFNetHead(HeadConfig):
    star_gradient: float = 0.1  # share of the gradient that reaches the initial box from where its star lies


@dataclass
class VFNet(ATSS):
    """The initial box has the loss weight of ``box_loss_weight`` or ``dirac``."""

    head: HeadConfig = field(default_factory=VFNetHead)
    refined_loss_weight: float = 2.0  # of the GIoU loss of the final box
