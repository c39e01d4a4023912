"""What darknet's small YOLOs alone have: their anchors, assignment, box losses, trunks and neck."""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from gfl_bench.config.schema.assigner import AssignerConfig
from gfl_bench.config.schema.detector import BoxNormaliser, Count, DetectorConfig, LatticeConfig
from gfl_bench.config.schema.dirac import BoxLoss, DiracCoding, DiracConfig
from gfl_bench.config.schema.network import BackboneConfig, NeckConfig


@dataclass
class YOLOPriors(LatticeConfig):
    """Boxes of the same number of anchors in the middle of each cell; darknet's two .cfg files have the same six."""

    strides: list[int] = field(default_factory=lambda: [16, 32])
    offset: float = 0.5
    anchors: list[list[int]] = field(  # (width, height) in pixels of the network's input, whatever its size
        default_factory=lambda: [[10, 14], [23, 27], [37, 58], [81, 82], [135, 169], [344, 319]]
    )
    masks: list[list[int]] = field(  # which of them each level has; the published weights of both want these
        default_factory=lambda: [[1, 2, 3], [3, 4, 5]]
    )


@dataclass
class BestAnchorAssigner(AssignerConfig):
    """YOLO's: the anchor of a ground truth's shape, in the cell of its centre."""

    name: str = "best_anchor"
    anchors: list[list[int]] = MISSING  # as the priors have them
    masks: list[list[int]] = MISSING


@dataclass
class YOLODirac(DiracConfig):
    coding: DiracCoding = DiracCoding.cell
    loss: BoxLoss = BoxLoss.yolov3
    loss_weight: float = 1.0  # darknet's iou_normalizer
    scale_xy: float = 1.0  # how far a centre may move, in cells; darknet's scale_x_y
    image_size: int = 416  # pixels of the square whose shares the losses measure boxes in


@dataclass
class YOLO(DetectorConfig):
    """It has no towers: of ``head`` it reads ``level_scales`` and ``score_prior`` alone."""

    prior: LatticeConfig = field(default_factory=YOLOPriors)
    assigner: AssignerConfig = field(default_factory=BestAnchorAssigner)
    dirac: DiracConfig = field(default_factory=YOLODirac)
    count: Count = Count.images
    box_normaliser: BoxNormaliser = BoxNormaliser.count
    ignore_iou: float = 0.7  # of a predicted box with any ground truth, beyond which it is no negative: ignore_thresh
    ignore_class_score: float = 0.0  # if it also says a class with more than this
    nms_distance_power: float | None = None  # of the centres' distance, which NMS takes off the IoU; null: IoU alone


@dataclass
class DarknetBackbone(BackboneConfig):
    base_channels: int = 64  # channels at stride 4; 64 is the published width
    weights: str | None = None  # none were published by torchvision: here so that a scale can set it
    frozen_stages: int = -1  # nothing is frozen: the same
    norm_eval: bool = False  # batch norm keeps its running statistics in training


@dataclass
class DarknetTiny(DarknetBackbone):
    """The maps after the fifth and the seventh convolution of yolov3-tiny.cfg."""

    name: str = "darknet_tiny"


@dataclass
class CSPDarknetTiny(DarknetBackbone):
    """The maps of layers 23 and 26 of yolov4-tiny.cfg."""

    name: str = "csp_darknet_tiny"


@dataclass
class YOLONeck(NeckConfig):
    name: str = "yolo_tiny"
    channels: int = 256  # of the finer map, and of the coarser trunk map once squeezed; the coarser level has twice
    norm_eval: bool = False  # as the backbone's
