"""Class losses weighted by quality (Table 2)."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.normalisers import Reduce, alone
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality.focal import FocalQuality
from gfl_bench.models.quality.real import RealQuality
from gfl_bench.structures import HeadOutput

_MIN_TOTAL = 1e-6  # positives that all have quality 0 weigh nothing


class GuidedQuality(FocalQuality):
    """Each positive's class loss is weighted by quality^eta, rescaled so that all positives weigh what they did."""

    def __init__(
        self, config: schema.CenternessGuided | schema.IoUGuided, detector: schema.DetectorConfig, real: RealQuality
    ) -> None:
        super().__init__(config, detector)
        self.real, self.eta = real, config.eta

    def losses(
        self, output: HeadOutput, positives: Positives, weight: Tensor, reduce: Reduce = alone
    ) -> dict[str, Tensor]:
        return super().losses(output, positives, self.guided_weight(positives, weight, reduce), reduce)

    def guided_weight(self, positives: Positives, weight: Tensor, reduce: Reduce = alone) -> Tensor:
        """[B * P], what ``weight`` [B * P] becomes for the class loss."""
        guided = self.real(positives).pow(self.eta)
        count, total = reduce(torch.stack([guided.new_full((), len(guided)), guided.sum()])).unbind()
        scale = count * total.clamp(min=_MIN_TOTAL).reciprocal()
        return weight.index_put((positives.row,), weight[positives.row] * guided * scale)
