"""How a detector says how good a box is: the options of ``quality=`` (Tables 2, 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING


class JointLoss(Enum):
    """Loss on the joint class-and-IoU score (Table 4)."""

    qfl = "qfl"
    l1 = "l1"
    l2 = "l2"
    varifocal = "varifocal"  # VFNet's


class BoxWeight(Enum):
    """What weights each positive's box losses."""

    uniform = "uniform"  # every positive counts 1
    centerness = "centerness"  # the target centerness: mmdetection's ATSS
    iou = "iou"  # the detached IoU of the predicted box: the paper's Section 3.3
    score = "score"  # the detached best class score: mmdetection's GFL


@dataclass
class QualityConfig:
    name: str = MISSING
    box_weight: BoxWeight = BoxWeight.uniform


@dataclass
class FocalQuality(QualityConfig):
    """The class score is trained with the detector's focal loss."""


@dataclass
class NoQuality(FocalQuality):
    name: str = "none"


@dataclass
class CenternessBranch(FocalQuality):
    name: str = "centerness_branch"
    box_weight: BoxWeight = BoxWeight.centerness


@dataclass
class IoUBranch(FocalQuality):
    name: str = "iou_branch"
    box_weight: BoxWeight = BoxWeight.iou


@dataclass
class CenternessGuided(FocalQuality):
    name: str = "centerness_guided"
    box_weight: BoxWeight = BoxWeight.centerness
    eta: float = 1.0  # power of the quality that weights each positive's class loss


@dataclass
class IoUGuided(FocalQuality):
    name: str = "iou_guided"
    box_weight: BoxWeight = BoxWeight.iou
    eta: float = 1.0


@dataclass
class VarifocalConfig:
    """Varifocal loss (Zhang et al., 2021), of ``loss: varifocal``."""

    alpha: float = 0.75  # weight of all scores but those of a positive's own class
    gamma: float = 2.0  # focusing power on these, any number >= 0
    iou_weighted: bool = True  # a positive's own class weighs its IoU, else 1


@dataclass
class Joint(QualityConfig):
    name: str = "joint"
    box_weight: BoxWeight = BoxWeight.score
    loss: JointLoss = JointLoss.qfl
    beta: float = 2.0  # QFL's focusing power, any number >= 0 (Table 5)
    varifocal: VarifocalConfig = field(default_factory=VarifocalConfig)
