"""darknet's last layers: one convolution of 1 x 1 a level."""

from __future__ import annotations

from gfl_bench.models.detectors.ssd.head import SSDHead
from gfl_bench.models.heads import Head


class PointwiseHead(Head):
    """One level; what darknet says in one convolution is said in one for each part."""

    kernel = 1


class YOLOHead(SSDHead):
    """SSD's head with pointwise convolutions."""

    each = PointwiseHead
