"""The simplified Path Aggregation Network (Liu et al., 2018) of Section 4.6."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from gfl_bench.config import schema


class PAN(nn.Module):
    """As many levels as the backbone has maps: each takes up the next coarser one, then the next finer one.

    Both ways are bilinear interpolation and a sum; no convolution follows the laterals.
    """

    def __init__(self, config: schema.PAN, in_channels: list[int], levels: int) -> None:
        super().__init__()
        self.channels = [config.channels] * levels
        self.lateral = nn.ModuleList(nn.Conv2d(count, config.channels, 1) for count in in_channels)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Maps [B, C_l, H_l, W_l] of falling size -> [B, channels, H_l, W_l] of each."""
        merged = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        last = len(merged) - 1
        for fine in range(last - 1, -1, -1):
            merged[fine] = merged[fine] + _resized(merged[fine + 1], merged[fine])
        for coarse in range(1, last + 1):
            merged[coarse] = merged[coarse] + _resized(merged[coarse - 1], merged[coarse])
        return merged


def _resized(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)
