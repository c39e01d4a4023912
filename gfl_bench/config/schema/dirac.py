"""What ``box=dirac`` is in a detector: how it was published."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class DiracCoding(Enum):
    """What the four numbers of a Dirac box mean."""

    delta = "delta"  # centre offset and log size from the prior box: ATSS, RetinaNet, SSD
    distance = "distance"  # l, t, r, b in strides, counted from the prior box's sides
    stride = "stride"  # l, t, r, b in strides, negative ones cut to 0: FCOS
    signed = "signed"  # l, t, r, b in strides, negative ones too: RepPoints
    pixel = "pixel"  # logarithms of l, t, r, b in pixels: FCOS at first
    ratio = "ratio"  # logarithms of l, t, r, b over those of the prior box: FoveaBox
    size = "size"  # logarithms of l, t, r, b over the prior box's width and height: VFNet
    cell = "cell"  # place of the centre in its cell, logistic; log size over the prior box's: YOLO


INVERTIBLE = frozenset({DiracCoding.delta, DiracCoding.ratio})  # from boxes too, as losses on codes need


class BoxLoss(Enum):
    """Loss of a Dirac box."""

    giou = "giou"
    iou = "iou"  # -log IoU
    l1 = "l1"  # sum over the four numbers; needs the coding delta or ratio
    smooth_l1 = "smooth_l1"  # the same, quadratic below ``smooth_beta``
    yolov3 = "yolov3"  # darknet's mse, on the numbers of the coding cell
    yolov4 = "yolov4"  # darknet's ciou, on the same


@dataclass
class DiracConfig:
    coding: DiracCoding = DiracCoding.delta
    delta_std: list[float] = field(default_factory=lambda: [0.1, 0.1, 0.2, 0.2])  # units of (dx, dy, dw, dh)
    loss: BoxLoss = BoxLoss.giou
    loss_weight: float = 2.0
    smooth_beta: float = 0.11
    # Strides that are said of each side at first where the backbone begins with random weights too; coding=stride. At 0
    # boxes begin with hardly any area, whose gradient vanishes with it, and some seeds never leave.
    first_sides: float = 0.0
