"""What ``detector=reppoints_v2`` has beside the options of every detector."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gfl_bench.config.schema.detector import ATSS, HeadConfig


class BoxOfPoints(Enum):
    """Which box a set of points stands for."""

    corners = "corners"  # its first two points are opposite corners: RepPoints V2
    moment = "moment"  # mean and scaled standard deviation: RepPoints
    minmax = "minmax"  # the smallest box around all points


@dataclass
class PointsHeadConfig(HeadConfig):
    stacked_convs: int = 3
    level_scales: bool = False
    box_of_points: BoxOfPoints = BoxOfPoints.corners
    point_gradient: float = 0.1  # share of the sampled features' gradient that reaches the points they are read at
    corner_channels: int = 64  # of what is pooled towards the corners


@dataclass
class RepPointsV2(ATSS):
    head: HeadConfig = field(default_factory=PointsHeadConfig)
    initial_scale: float = 4.0  # a ground truth's first points learn where its size is this many strides
    initial_loss_weight: float = 1.0  # of the box of the first points
    corner_loss_weight: float = 0.25  # of the corners' heatmaps
    offset_loss_weight: float = 1.0  # of the corners' places within a cell
    foreground_loss_weight: float = 0.1
    gaussian_iou: float = 0.7  # a corner within the radius of a heatmap's peak leaves at least this IoU
    joint_inference: bool = True  # boxes' corners move to the heatmaps' peaks
