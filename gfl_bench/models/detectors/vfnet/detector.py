"""VarifocalNet (Zhang et al., 2021): an initial box; from the features along its star a score, and a better box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.config.schema import Tower
from gfl_bench.models.assigners.assignment import NEGATIVE, Assigner, Assignment
from gfl_bench.models.assigners.left_out import inside_padding
from gfl_bench.models.box import BoxDistribution
from gfl_bench.models.coding import boxes_from_distances
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.vfnet.star import star
from gfl_bench.models.guidance import Guidance, SampledGuidance
from gfl_bench.models.heads import Head, HeadShape, Said, locations_last, tower
from gfl_bench.models.iou import iou
from gfl_bench.models.normalisers import Reduce
from gfl_bench.models.points.convolution import PointConvolution
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality import QualityRepresentation
from gfl_bench.structures import Batch, HeadOutput, Priors

_EPS = torch.finfo(torch.float32).eps  # added to every normaliser, as in the reference


@dataclass
class RefinedOutput(HeadOutput):
    """``box`` is the initial box's."""

    refinement: Tensor  # [B, P, 4] float32, above 0: factors on the initial box's distances (l, t, r, b)


class VFNetHead(Head):
    """Class logits, branch and refinement read their tower along the star of the initial box."""

    output = RefinedOutput

    def __init__(
        self, config: schema.VFNetHead, shape: HeadShape, guidance: Guidance | None,
        distances: Callable[[Tensor], Tensor],
    ) -> None:  # fmt: skip
        super().__init__(config, shape, guidance, distances)
        channels = self.box.in_channels
        self.initial_tower = tower(replace(config, stacked_convs=1, channels=channels), channels)
        self.cls_star, self.box_star = PointConvolution(channels, channels), PointConvolution(channels, channels)
        self.refine = nn.Conv2d(channels, 4, 3, padding=1)
        self.refine_scales = nn.ParameterList(nn.Parameter(torch.ones(())) for _ in self.scales)
        self.star_gradient = config.star_gradient

    def _level(self, x: Tensor, level: int) -> Said:
        features = self._features(x)
        box = self._scaled(locations_last(self.box(self.initial_tower(features[Tower.box]))).float(), level)
        raw = box.unflatten(-1, (4, -1))
        with torch.autocast(x.device.type, enabled=False):
            ltrb = self.distances(raw)
        places = star(torch.lerp(ltrb.detach(), ltrb, self.star_gradient))  # the same numbers, a share of the gradient
        along = {
            Tower.cls: self.cls_star(features[Tower.cls], places).relu(),
            Tower.box: self.box_star(features[Tower.box], places).relu(),
        }
        refinement = self._refinement(along[Tower.box], level)
        aux = None if self.aux is None else locations_last(self.aux(along[self.aux_tower]))
        around = self.guidance if isinstance(self.guidance, SampledGuidance) else None
        guide = None if around is None else around(features[Tower.box], ltrb * refinement)
        return locations_last(self.cls(along[Tower.cls])), box, aux, guide, refinement

    def _refinement(self, features: Tensor, level: int) -> Tensor:
        """[B, H, W, 4] factors on the initial box's distances."""
        logarithm = locations_last(self.refine(features)).float()
        return (logarithm * self.refine_scales[level] if len(self.refine_scales) else logarithm).exp()


class RefinedBox(BoxDistribution):
    """The final box: trained with GIoU, whatever is known of the initial one that it is a multiple of."""

    def __init__(self, initial: BoxDistribution, loss_weight: float) -> None:
        super().__init__(loss_weight)
        self.initial, self.channels = initial, initial.channels

    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        """Of the initial box; in a loss it is a constant to the final one."""
        return self.initial.mean(raw, priors)

    def probabilities(self, raw: Tensor) -> Tensor | None:
        """Of the initial box."""
        return self.initial.probabilities(raw)

    def spread(self, raw: Tensor) -> dict[str, Tensor]:
        """Of the initial box."""
        return self.initial.spread(raw)


class VFNet(Detector):
    """Two boxes a location, of which the second is detected, weighted and scored."""

    box: RefinedBox

    def __init__(
        self, config: schema.VFNet, backbone: nn.Module, neck: nn.Module, head: Head, box: BoxDistribution,
        quality: QualityRepresentation, assigner: Assigner,
    ) -> None:  # fmt: skip
        refined = RefinedBox(box, config.refined_loss_weight)
        super().__init__(config, backbone, neck, head, refined, quality, assigner)

    def match(self, output: HeadOutput, batch: Batch) -> tuple[Assignment, Positives]:
        """As every detector's, but padding is negative too: the reference's varifocal loss leaves no location out."""
        assignment, positives = super().match(output, batch)
        padding = ~inside_padding(self.priors(batch), batch.padded_sizes)
        return Assignment(assignment.gt_index.masked_fill(padding, NEGATIVE)), positives

    def decode(self, output: HeadOutput, row: Tensor, priors: Priors) -> Tensor:
        """The final boxes; only the refinement learns from them."""
        assert isinstance(output, RefinedOutput)
        raw, factors = (x.flatten(0, 1).index_select(0, row) for x in (output.box, output.refinement))
        ltrb = self.box.mean(raw, priors).detach() * factors
        return boxes_from_distances(priors.center, ltrb * priors.stride.unsqueeze(-1))

    def further_losses(
        self, output: HeadOutput, batch: Batch, positives: Positives, reduce: Reduce
    ) -> dict[str, Tensor]:
        """The initial box's: ``loss_init``, and ``loss_dfl`` where its distribution has one.

        They are weighted as the final box's is, but with the initial box's own IoU, and divided by the sum of these
        weights.
        """
        boxes = self.box.initial.decode(positives.raw, positives.priors)
        initial = replace(positives, boxes=boxes, iou=iou(boxes.detach(), positives.target))
        weight = self.quality.box_weight(output, initial)
        weight = weight / (reduce(weight.sum()).clamp(min=self.config.box_normaliser_min) + _EPS)
        losses = self.box.initial.losses(initial.raw, boxes, initial.target, initial.priors)
        named = {"loss_init": losses.pop("loss_box")} | losses
        return {name: (loss * weight).sum() for name, loss in named.items()}
