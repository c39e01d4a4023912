"""FCOS's assignment against mmdetection's, and against a plain loop over ground truths."""

from __future__ import annotations

import pytest
import torch
from assigning import assert_images_are_independent, crowded, locations, only, stored
from torch import Tensor

from gfl_bench.config.schema import FCOSAssigner
from gfl_bench.models.assigners.assignment import NEGATIVE
from gfl_bench.models.assigners.fcos import FCOS
from gfl_bench.models.coding import distances_to_sides
from gfl_bench.structures import Instances, Priors

CONFIGS = {"plain": FCOSAssigner(center_radius=0), "center_norm": FCOSAssigner()}
BACKGROUND = 80


@pytest.mark.parametrize("image", ["small8", "mid20", "empty"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_targets_are_the_references_at_every_location(kind: str, image: str) -> None:
    z = stored("fcos_targets", f"{kind}/{image}")
    boxes, priors = z["gt_bboxes"], locations(*z["pad_shape"].tolist())
    gt = FCOS(CONFIGS[kind]).assign(priors, only(boxes), z["pad_shape"][None]).gt_index[0]
    positive = gt >= 0
    labels = torch.full_like(gt, BACKGROUND).masked_scatter(positive, z["gt_labels"][gt[positive]])
    assert torch.equal(labels, z["labels"].long())
    ltrb = distances_to_sides(priors.center[positive], boxes[gt[positive]])
    if kind == "center_norm":
        ltrb = ltrb / priors.stride[positive, None]
    torch.testing.assert_close(ltrb, z["ltrb"].reshape(-1, 4), rtol=0, atol=1e-4)


def plain(priors: Priors, instances: Instances, images: int, config: FCOSAssigner) -> Tensor:
    """One ground truth after the other: each takes what it may if it is smaller than the one that has it."""
    result = torch.full((images, len(priors)), NEGATIVE)
    smallest = torch.full((images, len(priors)), torch.inf)
    edges = torch.tensor([-1.0, *config.bounds, 1e8])
    for gt, ((x1, y1, x2, y2), image) in enumerate(zip(instances.boxes, instances.image, strict=True)):
        x, y = priors.center.T
        sides = torch.stack([x - x1, y - y1, x2 - x, y2 - y])
        takes = (sides > 0).all(dim=0)
        if config.center_radius > 0:
            away = torch.maximum((x - (x1 + x2) / 2).abs(), (y - (y1 + y2) / 2).abs())
            takes &= away < config.center_radius * priors.stride
        farthest = sides.max(dim=0).values
        takes &= (edges[priors.level] <= farthest) & (farthest <= edges[priors.level + 1])
        area = (x2 - x1) * (y2 - y1)
        takes &= area < smallest[image]
        smallest[image, takes], result[image, takes] = area, gt
    return result


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_plain_loop_on_random_batches(seed: int, kind: str) -> None:
    instances, padded = crowded(seed, 256, 320, side=250, cell=4)
    priors = locations(256, 320)
    ours = FCOS(CONFIGS[kind]).assign(priors, instances, padded).gt_index
    wanted = plain(priors, instances, len(padded), CONFIGS[kind])
    assert (wanted >= 0).any()
    assert torch.equal(ours, wanted)


@pytest.mark.parametrize("kind", CONFIGS)
def test_images_of_a_batch_do_not_see_each_other(kind: str) -> None:
    batch = crowded(9, 256, 320, side=250, cell=4)
    assert_images_are_independent(FCOS(CONFIGS[kind]), locations(256, 320), *batch)


@pytest.mark.parametrize("kind", CONFIGS)
def test_without_any_ground_truth_all_locations_are_negative_also_in_the_padding(kind: str) -> None:
    padded = torch.tensor([[128, 160], [32, 32]])
    gt = FCOS(CONFIGS[kind]).assign(locations(128, 160), only(torch.zeros(0, 4)), padded).gt_index
    assert (gt == NEGATIVE).all()


def test_a_distance_on_a_bound_is_answered_by_both_levels() -> None:
    box = torch.tensor([[4.0, 30, 88, 50]])  # 64 from its left side lies a column of P3, 64 from its right one of P4
    priors = locations(128, 160)
    gt = FCOS(CONFIGS["plain"]).assign(priors, only(box), torch.tensor([[128, 160]])).gt_index[0]
    farthest = distances_to_sides(priors.center, box).amax(dim=1)
    assert set(priors.level[(gt == 0) & (farthest == 64)].tolist()) == {0, 1}


def test_of_equal_ground_truths_the_first_takes_the_locations() -> None:
    box = torch.tensor([[20.0, 20, 60, 70]])
    gt = FCOS(FCOSAssigner()).assign(locations(128, 160), only(box.repeat(3, 1)), torch.tensor([[128, 160]])).gt_index
    assert set(gt.unique().tolist()) == {NEGATIVE, 0}
