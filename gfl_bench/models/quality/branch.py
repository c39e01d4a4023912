"""A branch beside the box: centerness (Tian et al., 2019) or IoU."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.models.normalisers import Reduce, alone
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality.focal import FocalQuality
from gfl_bench.models.quality.real import RealQuality
from gfl_bench.structures import HeadOutput, Logits, Probabilities


class BranchQuality(FocalQuality):
    """A branch predicts the quality; its sigmoid is multiplied into the class score at inference only."""

    aux_channels = 1

    def __init__(self, config: schema.FocalQuality, detector: schema.DetectorConfig, real: RealQuality) -> None:
        super().__init__(config, detector)
        self.real, self.loss_weight = real, detector.aux_loss_weight

    def losses(
        self, output: HeadOutput, positives: Positives, weight: Tensor, reduce: Reduce = alone
    ) -> dict[str, Tensor]:
        logits = _branch(output).flatten().index_select(0, positives.row)
        branch = functional.binary_cross_entropy_with_logits(
            logits, self.real(positives), weight[positives.row], reduction="sum"
        )
        return super().losses(output, positives, weight, reduce) | {"loss_aux": self.loss_weight * branch}

    def factor(self, output: HeadOutput) -> Probabilities:
        return Probabilities(_branch(output).sigmoid())

    def predicted(self, output: HeadOutput, positives: Positives) -> Tensor:
        """[K] in [0, 1], the branch's sigmoid."""
        return _branch(output).flatten()[positives.row].sigmoid()


def _branch(output: HeadOutput) -> Logits:
    if output.aux is None:
        raise ValueError("the head has no branch, but the quality reads one: build both from one config")
    return output.aux
