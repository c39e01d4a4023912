"""The Distribution-Guided Quality Predictor (Section 3.1, Fig. 6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.structures import Probabilities


class DistributionGuidance(nn.Module):
    """DGQP: the k largest probabilities of each side and their mean (Eq. 5), two linear layers, a sigmoid (Eq. 6).

    The statistics depend on the flatness of a distribution alone, not on where along its range it lies. The layers
    are 1 x 1 convolutions, whose weights the published checkpoints have.
    """

    def __init__(self, config: schema.DistributionGuidance) -> None:
        super().__init__()
        self.k = config.k
        self.layers = nn.Sequential(
            nn.Conv2d(4 * (config.k + 1), config.d, 1), nn.ReLU(inplace=True), nn.Conv2d(config.d, 1, 1)
        )

    def forward(self, raw: Tensor) -> Probabilities:
        """Quality [B, P, 1] in (0, 1), float32 also under autocast.

        Args:
            raw: [B, P, 4, n + 1] float32, the logits of each side's distribution; gradients may flow into it.
        """
        with torch.autocast(raw.device.type, enabled=False):
            statistics = topkm(raw.softmax(dim=-1), self.k).flatten(-2)
            quality = self.layers(statistics.transpose(1, 2).unsqueeze(-1)).sigmoid()
        return Probabilities(quality.squeeze(-1).transpose(1, 2))


def topkm(probabilities: Tensor, k: int) -> Tensor:
    """The k largest of [..., n + 1] in falling order, then the mean of these k: [..., k + 1] (Eq. 5)."""
    top = probabilities.topk(k, dim=-1).values
    return torch.cat([top, top.mean(dim=-1, keepdim=True)], dim=-1)
