"""RepPoints V2 (Chen et al., 2020): regression by nine points, verified by corner heatmaps and a foreground map.

The first points, from the regression tower, say where class and box are read; their box is trained too. Both readings
also see the heatmaps. It is the released code's variant with GIoU (Scalsol/RepPointsV2), but ATSS compares the ground
truths with squares around the locations, as elsewhere, and not with the first points' boxes: each positive's location
so lies inside its ground truth, without which no distribution of distances could learn its sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.config.schema import Tower
from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.assigners.left_out import inside_padding
from gfl_bench.models.coding import boxes_from_distances
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.reppoints_v2.corner_targets import corner_losses, corner_targets
from gfl_bench.models.detectors.reppoints_v2.corners import CHANNELS, Corners, conv_norm, corner_maps, to_peaks
from gfl_bench.models.detectors.reppoints_v2.foreground import foreground, foreground_loss
from gfl_bench.models.detectors.reppoints_v2.nearest import nearest_centre
from gfl_bench.models.detectors.reppoints_v2.point_sets import POINTS, PointBoxes, kernel_points, share_gradient, start
from gfl_bench.models.guidance import Guidance
from gfl_bench.models.heads import Head, HeadShape, Said, locations_last, tower
from gfl_bench.models.iou import giou_loss
from gfl_bench.models.normalisers import Reduce
from gfl_bench.models.points.convolution import PointConvolution
from gfl_bench.models.positives import Positives, gather
from gfl_bench.models.priors import select
from gfl_bench.structures import Batch, HeadOutput, Instances, Logits, Priors


@dataclass
class PointsOutput(HeadOutput):
    initial: Tensor  # [B, P, 4] (l, t, r, b) of the first points' box, in strides
    corners: Tensor  # [B, P, 6], see ``corners.CHANNELS``
    foreground: Logits  # [B, P, C]


class PointsHead(Head):
    """A box that is one number a side is that of the refined points; of a distribution the same features say the sides.

    Args:
        config: a ``PointsHeadConfig``.
    """

    output = PointsOutput
    start: Tensor  # [18, 1, 1] where the first points are counted from

    def __init__(
        self, config: schema.HeadConfig, shape: HeadShape, guidance: Guidance | None,
        distances: Callable[[Tensor], Tensor],
    ) -> None:  # fmt: skip
        super().__init__(config, shape, guidance, distances)
        assert isinstance(config, schema.PointsHeadConfig)
        width = self.cls.in_channels
        self.shared = tower(replace(config, stacked_convs=1, channels=width), width)
        self.foreground = nn.Conv2d(width, shape.classes, 1)
        self.embed = conv_norm(config, width, width, 1)
        self.corners = Corners(config, width)
        self.points_hidden, self.points = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, 2 * POINTS, 1)
        sampled = width + CHANNELS, width
        self.cls_sampled, self.box_sampled = PointConvolution(*sampled), PointConvolution(*sampled)
        self.refines_points = shape.box_channels == 1
        self.cls = nn.Conv2d(width, shape.classes, 1)
        self.box = nn.Conv2d(width, 2 * POINTS if self.refines_points else 4 * shape.box_channels, 1)
        self.register_buffer("start", start(), persistent=False)
        self.point_boxes, self.point_gradient = PointBoxes(config.box_of_points), config.point_gradient

    def _level(self, x: Tensor, level: int) -> Said:
        box = self.box_tower(x)
        shared = self.shared(box)
        seen, embedded = self.foreground(shared), self.embed(shared).relu()
        cls, box, corners = self.cls_tower(x) + embedded, box + embedded, self.corners(shared + embedded)
        points = self.start + _exact(self.points, self.points_hidden(box).relu())
        places = kernel_points(share_gradient(points, self.point_gradient))
        sampled = self.cls_sampled(torch.cat([cls, corners], dim=1), places).relu()
        sides = self._sides(self.box_sampled(torch.cat([box, corners], dim=1), places).relu(), points.detach())
        sides = self._scaled(sides, level)
        aux = None if self.aux is None else locations_last(self.aux(cls if self.aux_tower is Tower.cls else box))
        return (
            locations_last(self.cls(sampled)), sides, aux, self._guide(sides, box), self.point_boxes(points),
            locations_last(corners), locations_last(seen),
        )  # fmt: skip

    def _sides(self, features: Tensor, points: Tensor) -> Tensor:
        """[B, H, W, 4 * m] float32."""
        if self.refines_points:
            refined: Tensor = self.point_boxes(points + _exact(self.box, features))
            return refined
        return locations_last(self.box(features)).float()


def _exact(conv: nn.Module, x: Tensor) -> Tensor:
    """``conv`` in float32: bfloat16 would round a point four cells away to a 32nd of a cell."""
    with torch.autocast(x.device.type, enabled=False):
        y: Tensor = conv(x.float())
    return y


class RepPointsV2(Detector):
    """Detections' corners are moved to the heatmaps' peaks; what is learnt, and Table 10's IoU, is from before that."""

    config: schema.RepPointsV2

    def decode(self, output: HeadOutput, row: Tensor, priors: Priors) -> Tensor:
        boxes = super().decode(output, row, priors)
        if not self.config.joint_inference:
            return boxes
        assert isinstance(output, PointsOutput)
        return to_peaks(boxes, corner_maps(output.corners), row // output.cls.shape[1], priors)

    def match(self, output: HeadOutput, batch: Batch) -> tuple[Assignment, Positives]:
        priors = self.priors(batch)
        assignment = self.assigner.assign(priors, batch.instances, batch.padded_sizes)
        return assignment, gather(output, priors, batch.instances, assignment, super().decode)

    def further_losses(
        self, output: HeadOutput, batch: Batch, positives: Positives, reduce: Reduce
    ) -> dict[str, Tensor]:
        """``loss_initial`` of the first points' boxes, ``loss_corner``, ``loss_offset`` and ``loss_foreground``."""
        assert isinstance(output, PointsOutput)
        config, instances, sizes, priors = self.config, batch.instances, batch.padded_sizes, self.priors(batch)
        initial = nearest_centre(priors, instances, sizes, config.initial_scale)
        corners = corner_targets(priors, instances, sizes, config.gaussian_iou)
        seen, usable = foreground(priors, instances, *output.cls.shape[::2]), inside_padding(priors, sizes)
        count = initial.positives.clamp(min=1).sum()
        first, tops, bottoms, *totals = reduce(torch.cat([torch.stack([count, *corners.counts]), seen.totals]))
        heat, offset = corner_losses(corner_maps(output.corners), corners, usable, torch.stack([tops, bottoms]))
        return {
            "loss_initial": config.initial_loss_weight * _initial(output.initial, initial, priors, instances) / first,
            "loss_corner": config.corner_loss_weight * heat,
            "loss_offset": config.offset_loss_weight * offset,
            "loss_foreground": config.foreground_loss_weight
            * foreground_loss(output.foreground, seen, usable, torch.stack(totals), config.focal),
        }


def _initial(distances: Tensor, assignment: Assignment, priors: Priors, instances: Instances) -> Tensor:
    """Summed GIoU loss of the first points' boxes at ``distances`` [B, P, 4], a scalar."""
    gt = assignment.gt_index.flatten()
    row = (gt >= 0).nonzero().squeeze(1)
    chosen = select(priors, row % len(priors))
    sides = distances.flatten(0, 1).index_select(0, row) * chosen.stride[:, None]
    return giou_loss(boxes_from_distances(chosen.center, sides), instances.boxes[gt[row]]).sum()
