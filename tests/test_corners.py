"""Corner heatmaps of RepPoints V2: pooling, targets, loss and joint inference, against plain loops."""

from __future__ import annotations

from math import exp, floor

import pytest
import torch
from detectors import random_batch
from reference import golden
from torch import Tensor

from gfl_bench.config.schema import PriorConfig
from gfl_bench.models.assigners.left_out import inside_padding
from gfl_bench.models.detectors.reppoints_v2.corner_targets import (
    corner_losses,
    corner_targets,
    gaussian_focal_loss,
    gaussian_radius,
)
from gfl_bench.models.detectors.reppoints_v2.corners import CornerMaps, corner_maps, pool, to_peaks
from gfl_bench.models.detectors.reppoints_v2.nearest import nearest, nearest_centre
from gfl_bench.models.iou import iou
from gfl_bench.models.priors import level_sizes, priors_for, select
from gfl_bench.structures import Batch, Logits, Priors

STRIDES = [8, 16, 32, 64, 128]


def lattice(height: int = 128, width: int = 160) -> Priors:
    return priors_for(level_sizes(height, width, STRIDES), PriorConfig(), torch.device("cpu"))


def closest_by_hand(priors: Priors, x: float, y: float, level: int, padded: list[int]) -> int:
    """The first of the closest priors of a level, among those that lie in the padded image."""
    best, found = float("inf"), -1
    for index, (px, py) in enumerate(priors.center.tolist()):
        if priors.level[index] == level and px < padded[1] and py < padded[0]:
            distance = (px - x) ** 2 + (py - y) ** 2
            if distance < best:
                best, found = distance, index
    return found


@pytest.mark.parametrize(("dim", "backwards"), [(2, True), (2, False), (3, True), (3, False)])
def test_pooling_is_the_largest_value_towards_one_side(dim: int, backwards: bool) -> None:
    x = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    pooled = pool(x, dim, backwards)
    for place in range(x.shape[dim]):
        part = slice(place, None) if backwards else slice(0, place + 1)
        expected = x[:, :, part].amax(2) if dim == 2 else x[..., part].amax(3)
        assert torch.equal(pooled.select(dim, place), expected)


@pytest.mark.parametrize("least", [0.3, 0.7, 0.9])
def test_within_the_radius_any_two_moves_of_the_corners_leave_the_iou(least: float) -> None:
    boxes = torch.tensor([[0.0, 0.0, 100.0, 100.0], [5.0, 9.0, 305.0, 29.0], [3.0, 4.0, 7.0, 90.0]])
    radius = gaussian_radius(boxes, least)
    steps = torch.tensor([-1.0, 0.0, 1.0])
    moves = torch.cartesian_prod(steps, steps, steps, steps)
    left = iou(boxes[:, None], boxes[:, None] + moves * radius[:, None, None])
    assert (left >= least - 1e-5).all()
    further = iou(boxes[:, None], boxes[:, None] + moves * 1.01 * radius[:, None, None])
    assert (further.amin(dim=1) < least).all()


def test_the_nearest_prior_is_the_closest_one_inside_the_padded_image() -> None:
    priors, padded = lattice(), torch.tensor([[128, 160], [128, 128]])
    points = torch.rand(30, 2, generator=torch.Generator().manual_seed(0)) * 170 - 5
    points[:4] = torch.tensor([[12.0, 20.0], [4.0, 64.0], [8.0, 8.0], [160.0, 128.0]])  # ties and corners
    image = torch.arange(30) % 2
    found = nearest(priors, points, padded[image])
    for number, (x, y) in enumerate(points.tolist()):
        size = padded[image[number]].tolist()
        assert found[number].tolist() == [closest_by_hand(priors, x, y, level, size) for level in range(5)]


def test_first_points_learn_at_the_centre_on_the_level_of_their_ground_truth_s_size() -> None:
    batch, priors = random_batch(1, [40, 0, 25], side=150), lattice()
    found = nearest_centre(priors, batch.instances, batch.padded_sizes, 4.0).gt_index
    expected = torch.full_like(found, -1)
    closest = torch.full(found.shape, float("inf"))
    for gt, (box, image) in enumerate(zip(batch.instances.boxes, batch.instances.image, strict=True)):
        width, height = (box[2:] - box[:2]).tolist()
        level = min(max(floor(torch.tensor([width / 4, height / 4]).log2().mean().item()) - 3, 0), 4)
        x, y = ((box[:2] + box[2:]) / 2).tolist()
        prior = closest_by_hand(priors, x, y, level, batch.padded_sizes[image].tolist())
        distance = ((priors.center[prior] - torch.tensor([x, y])) / (box[2:] - box[:2])).norm()
        if distance < closest[image, prior]:
            closest[image, prior], expected[image, prior] = distance, gt
    assert (expected >= 0).sum() > 30
    assert torch.equal(found, expected)


def heat_by_hand(batch: Batch, priors: Priors, kind: int) -> tuple[Tensor, dict[tuple[int, int], list[float]]]:
    """Heat [B, P] of one kind of corner, and the corner that is learnt by (image, prior)."""
    heat, places = torch.zeros(len(batch.sizes), len(priors)), {}
    radii = gaussian_radius(batch.instances.boxes, 0.7).tolist()
    for box, image, radius in zip(batch.instances.boxes.tolist(), batch.instances.image.tolist(), radii, strict=True):
        x, y = box[2 * kind : 2 * kind + 2]
        for index, (px, py) in enumerate(priors.center.tolist()):
            square = (px - x) ** 2 + (py - y) ** 2
            if square < radius**2:
                value = exp(-square / (2 * ((2 * radius + 1) / 6) ** 2))
                heat[image, index] = max(heat[image, index].item(), value)
        for level in range(5):
            prior = closest_by_hand(priors, x, y, level, batch.padded_sizes[image].tolist())
            places[image, prior] = [x, y]
    for place in places:
        heat[place] = 1
    return heat, places


def test_heat_falls_from_the_nearest_prior_of_each_level() -> None:
    batch, priors = random_batch(0, [4, 0, 6], 96, 128), lattice(96, 128)
    found = corner_targets(priors, batch.instances, batch.padded_sizes, 0.7)
    images = len(batch.sizes)
    for kind in range(2):
        heat, places = heat_by_hand(batch, priors, kind)
        torch.testing.assert_close(found.heat[kind * images : (kind + 1) * images], heat, rtol=1e-4, atol=1e-6)
        rows = [((kind * images + image) * len(priors) + prior) for image, prior in sorted(places)]
        mine = found.row // len(priors) // images == kind
        assert found.row[mine].tolist() == rows
        corner = torch.tensor([places[key] for key in sorted(places)])
        prior = torch.tensor([key[1] for key in sorted(places)])
        expected = (corner - priors.center[prior]) / priors.stride[prior, None]
        torch.testing.assert_close(found.offset[mine], expected)
        assert found.counts[kind] == len(places) + 1  # an image without ground truth counts one


def test_the_focal_loss_of_gaussians_is_the_reference_s() -> None:
    stored = golden("gaussian_focal")
    probability, target = (torch.tensor(stored[f"gaussian_{name}"]) for name in ("pred_prob", "target"))
    logits = probability.double().logit().requires_grad_()
    loss = gaussian_focal_loss(Logits(logits), target.double())
    torch.testing.assert_close(loss, torch.tensor(stored["gaussian_loss"]).double(), rtol=1e-4, atol=1e-6)
    loss.sum().backward()
    slope = torch.tensor(stored["gaussian_grad"]) * probability * (1 - probability)
    torch.testing.assert_close(logits.grad, slope.double(), rtol=1e-3, atol=1e-5)


def test_perfect_maps_cost_nothing_and_only_usable_priors_count() -> None:
    batch, priors = random_batch(0, [3, 4]), lattice()
    targets = corner_targets(priors, batch.instances, batch.padded_sizes, 0.7)
    usable = inside_padding(priors, batch.padded_sizes)
    score, offset = torch.where(targets.heat == 1, 20.0, -20.0), torch.zeros(*targets.heat.shape, 2)
    offset.view(-1, 2)[targets.row] = targets.offset
    score.view(2, *usable.shape)[:, ~usable] = 20  # wrong, but in the padding
    heat, place = corner_losses(CornerMaps(Logits(score), offset), targets, usable, targets.counts.float())
    assert heat < 1e-6 and place == 0
    heat, place = corner_losses(CornerMaps(Logits(-score), offset + 1), targets, usable, targets.counts.float())
    assert heat > 1
    assert place.item() == pytest.approx(2 * (1 - 1 / 18), rel=1e-5)


def test_joint_inference_takes_the_best_of_the_four_cells_around_each_corner() -> None:
    priors, generator = lattice(), torch.Generator().manual_seed(0)
    said = torch.randn(2, len(priors), 6, generator=generator)
    index, image = torch.randint(len(priors), (200,), generator=generator), torch.arange(200) % 2
    boxes = torch.rand(200, 4, generator=generator) * 200 - 20
    found = to_peaks(boxes, corner_maps(said), image, select(priors, index))
    for number in range(200):
        level = int(priors.level[index[number]])
        asked = 0 if level <= 2 else 1
        height, width = priors.level_sizes[asked]
        stride, first = STRIDES[asked], sum(priors.lengths[:asked])
        for kind in range(2):
            x, y = boxes[number, 2 * kind : 2 * kind + 2].tolist()
            if level > 0:
                column, row = (min(max(floor(z / stride), 0), n - 2) for z, n in ((x, width), (y, height)))
                cells = [(r, c) for r in (row, row + 1) for c in (column, column + 1)]
                heard = said[image[number], first : first + height * width].view(height, width, 6)
                best = max(cells, key=lambda cell: heard[cell][kind].item())
                dx, dy = heard[best][2 + 2 * kind : 4 + 2 * kind].tolist()
                x, y = (best[1] + dx) * stride, (best[0] + dy) * stride
            assert found[number, 2 * kind : 2 * kind + 2].tolist() == pytest.approx([x, y], rel=1e-4, abs=1e-3)


def test_joint_inference_finds_the_corners_that_the_maps_were_made_of() -> None:
    """Boxes of coarser levels that are a few pixels off become exact, on an image of any size, even of one cell."""
    for height, width in [(128, 160), (32, 32), (8, 8)]:
        batch, priors = random_batch(3, [1], height, width, side=min(height, width)), lattice(height, width)
        targets = corner_targets(priors, batch.instances, batch.padded_sizes, 0.7)
        offset = torch.zeros(*targets.heat.shape, 2)
        offset.view(-1, 2)[targets.row] = targets.offset
        maps = CornerMaps(Logits(targets.heat), offset)
        coarse = select(priors, torch.tensor([priors.lengths[0]]))
        moved = to_peaks(batch.instances.boxes + torch.tensor([1.5, -1.0, -1.5, 1.0]), maps, torch.tensor([0]), coarse)
        torch.testing.assert_close(moved, batch.instances.boxes, rtol=1e-4, atol=1e-3)
