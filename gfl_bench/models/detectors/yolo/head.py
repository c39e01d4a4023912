"""darknet's last layers: one convolution of 1 x 1 a level."""

from __future__ import annotations

from typing import Any

from torch import nn

from gfl_bench.models.detectors.ssd.head import SSDHead


class YOLOHead(SSDHead):
    """SSD's head with pointwise convolutions; what darknet says in one is said in one for each part."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        for level in self.levels:
            for name, conv in list(level.named_children()):
                if isinstance(conv, nn.Conv2d):
                    setattr(level, name, nn.Conv2d(conv.in_channels, conv.out_channels, 1))
