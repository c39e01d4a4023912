"""FoveaBox's assignment against mmdetection's, and against a plain loop over levels and ground truths."""

from __future__ import annotations

import math

import pytest
import torch
from assigning import assert_images_are_independent, crowded, locations, only, stored
from torch import Tensor

from gfl_bench.config.schema import FoveaAssigner
from gfl_bench.models.assigners.assignment import NEGATIVE
from gfl_bench.models.assigners.fovea import Fovea
from gfl_bench.models.coding import distances_to_sides
from gfl_bench.structures import Instances, Priors

BACKGROUND = 80


@pytest.mark.parametrize("image", ["small8", "mid20", "empty"])
def test_targets_are_the_references_in_every_cell(image: str) -> None:
    z = stored("fovea_targets", image)
    boxes, priors = z["gt_bboxes"], locations(*z["pad_shape"].tolist())
    gt = Fovea(FoveaAssigner()).assign(priors, only(boxes), z["pad_shape"][None]).gt_index[0]
    positive = gt >= 0
    labels = torch.full_like(gt, BACKGROUND).masked_scatter(positive, z["gt_labels"][gt[positive]])
    assert torch.equal(labels, z["labels"].long())
    base = 2 * priors.stride[positive, None]
    ltrb = distances_to_sides(priors.center[positive], boxes[gt[positive]]) / base
    torch.testing.assert_close(ltrb.clamp(1 / 16, 16).log(), z["pos_bbox_targets"].reshape(-1, 4), rtol=0, atol=1e-4)


def plain(priors: Priors, instances: Instances, images: int, config: FoveaAssigner) -> Tensor:
    """Level after level, the large ground truths first, each filling its cells."""
    sizes = (instances.boxes[:, 2:] - instances.boxes[:, :2]).prod(dim=1).sqrt().tolist()
    strides = [int(level[0]) for level in priors.stride.split(priors.lengths)]
    levels = []
    for (rows, columns), stride, (low, high) in zip(priors.level_sizes, strides, config.size_ranges, strict=True):
        maps = torch.full((images, rows, columns), NEGATIVE)
        for gt in sorted(range(len(sizes)), key=lambda gt: -sizes[gt]):
            if low <= sizes[gt] <= high:
                x1, y1, x2, y2 = (instances.boxes[gt] / stride).tolist()
                x, y = middle(x1, x2, columns, config.sigma), middle(y1, y2, rows, config.sigma)
                maps[instances.image[gt], y, x] = gt
        levels.append(maps.flatten(1))
    return torch.cat(levels, dim=1)


def middle(start: float, stop: float, count: int, sigma: float) -> slice:
    """The lines at 0.5, 1.5, .. in the middle of an interval, ends included and drawn to the first and last line."""
    center, reach = (start + stop) / 2, sigma * (stop - start) / 2
    ends = math.ceil(center - reach - 0.5), math.floor(center + reach - 0.5)
    first, last = (min(max(end, 0), count - 1) for end in ends)
    return slice(first, last + 1)


def small_and_large(seed: int) -> tuple[Instances, Tensor]:
    """A batch with some tiny boxes, two of them too near the image's sides for a cell of their own."""
    instances, padded = crowded(seed, 256, 320, side=250, cell=1)
    instances.boxes[::6, 2:] = instances.boxes[::6, :2] + 7.3
    instances.boxes[4:6] = torch.tensor([[0.0, 96, 3, 104], [317, 253, 320, 256]])
    return instances, padded


@pytest.mark.parametrize("sigma", [0.4, 0.2, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_plain_loop_on_random_batches(seed: int, sigma: float) -> None:
    instances, padded = small_and_large(seed)
    priors, config = locations(256, 320), FoveaAssigner(sigma=sigma)
    ours = Fovea(config).assign(priors, instances, padded).gt_index
    wanted = plain(priors, instances, len(padded), config)
    assert {4, 5} <= set(wanted.unique().tolist())
    assert torch.equal(ours, wanted)


def test_images_of_a_batch_do_not_see_each_other() -> None:
    assert_images_are_independent(Fovea(FoveaAssigner()), locations(256, 320), *small_and_large(9))


def test_without_any_ground_truth_all_cells_are_negative_also_in_the_padding() -> None:
    padded = torch.tensor([[128, 160], [32, 32]])
    gt = Fovea(FoveaAssigner()).assign(locations(128, 160), only(torch.zeros(0, 4)), padded).gt_index
    assert (gt == NEGATIVE).all()


def test_a_size_in_two_ranges_is_learnt_on_both_levels() -> None:
    priors = locations(128, 160)
    gt = Fovea(FoveaAssigner()).assign(priors, only(torch.tensor([[20.0, 20, 70, 70]])), torch.tensor([[128, 160]]))
    assert set(priors.level[gt.gt_index[0] == 0].tolist()) == {0, 1}


def test_of_equal_ground_truths_the_last_takes_the_locations() -> None:
    box = torch.tensor([[20.0, 20, 60, 70]])
    gt = Fovea(FoveaAssigner()).assign(locations(128, 160), only(box.repeat(3, 1)), torch.tensor([[128, 160]])).gt_index
    assert set(gt.unique().tolist()) == {NEGATIVE, 2}
