"""Assignment by shape against a plain loop over ground truths, levels and anchors."""

from __future__ import annotations

import pytest
import torch
from assigning import assert_images_are_independent, only
from detectors import random_batch
from torch import Tensor
from torchvision.ops import box_iou

from gfl_bench.config.schema import BestAnchorAssigner, YOLOPriors
from gfl_bench.models.assigners.assignment import IGNORED, NEGATIVE
from gfl_bench.models.assigners.best_anchor import BestAnchor
from gfl_bench.models.priors import level_sizes, priors_for
from gfl_bench.structures import Instances, Priors

PUBLISHED = YOLOPriors()
WHOLE = YOLOPriors(masks=[[0, 1, 2], [3, 4, 5]])
each = pytest.mark.parametrize("config", [PUBLISHED, WHOLE], ids=["published", "all six"])


def made(config: YOLOPriors) -> BestAnchor:
    return BestAnchor(BestAnchorAssigner(anchors=config.anchors, masks=config.masks))


def lattice(config: YOLOPriors, height: int, width: int) -> Priors:
    return priors_for(level_sizes(height, width, config.strides), config, torch.device("cpu"))


def plain(priors: Priors, instances: Instances, padded: Tensor, config: YOLOPriors) -> Tensor:
    anchors = torch.tensor(config.anchors).float()
    result = torch.full((len(padded), len(priors)), NEGATIVE)
    for number, (box, image) in enumerate(zip(instances.boxes, instances.image, strict=True)):
        size = torch.cat([torch.zeros(2), box[2:] - box[:2]])[None]
        best = int(box_iou(size, torch.cat([torch.zeros(6, 2), anchors], dim=1)).argmax())
        first = 0
        for (height, width), stride, mask, length in zip(
            priors.level_sizes, config.strides, config.masks, priors.lengths, strict=True
        ):
            if best in mask:
                column = min(int((box[0] + box[2]) / 2 / stride), width - 1)
                row = min(int((box[1] + box[3]) / 2 / stride), height - 1)
                result[image, first + (row * width + column) * len(mask) + mask.index(best)] = number
            first += length
    for row, (height, width) in zip(result, padded.tolist(), strict=True):
        row[(priors.center[:, 0] > width) | (priors.center[:, 1] > height)] = IGNORED
    return result


@each
@pytest.mark.parametrize("seed", range(3))
def test_each_ground_truth_takes_the_anchor_of_its_shape_in_its_cell(config: YOLOPriors, seed: int) -> None:
    batch = random_batch(seed, [9, 0, 60, 1], 256, 320, side=300)
    priors = lattice(config, 256, 320)
    ours = made(config).assign(priors, batch.instances, batch.padded_sizes).gt_index
    assert torch.equal(ours, plain(priors, batch.instances, batch.padded_sizes, config))
    assert (ours == IGNORED).any() and (ours >= 0).sum() > 30


def test_a_ground_truth_of_the_anchor_that_two_levels_share_is_learnt_on_both() -> None:
    truth = only(torch.tensor([[40.0, 40, 121, 122]]))
    priors = lattice(PUBLISHED, 160, 160)
    gt_index = made(PUBLISHED).assign(priors, truth, torch.tensor([[160, 160]])).gt_index[0]
    rows = (gt_index == 0).nonzero().squeeze(1)
    assert priors.level[rows].tolist() == [0, 1]
    torch.testing.assert_close(priors.box[rows, 2:] - priors.box[rows, :2], torch.tensor([[81.0, 82]] * 2))


def test_a_ground_truth_of_the_anchor_that_no_level_has_is_learnt_by_none_as_in_the_published_files() -> None:
    truth, size = only(torch.tensor([[40.0, 40, 50, 54]])), torch.tensor([[160, 160]])
    assert (made(PUBLISHED).assign(lattice(PUBLISHED, 160, 160), truth, size).gt_index == NEGATIVE).all()
    assert (made(WHOLE).assign(lattice(WHOLE, 160, 160), truth, size).gt_index == 0).sum() == 1


def test_of_two_in_one_place_the_last_is_learnt_and_a_centre_on_the_far_edge_has_a_cell() -> None:
    truth = only(torch.tensor([[40.0, 40, 60, 66], [41, 41, 61, 67], [150, 150, 170, 170]]))
    gt = made(PUBLISHED).assign(lattice(PUBLISHED, 160, 160), truth, torch.tensor([[160, 160]])).gt_index
    assert gt[gt >= 0].tolist() == [1, 2]


@each
def test_a_batch_gives_each_image_what_it_is_given_alone(config: YOLOPriors) -> None:
    batch = random_batch(4, [7, 0, 30, 1], 128, 160, side=120)
    assert_images_are_independent(made(config), lattice(config, 128, 160), batch.instances, batch.padded_sizes)


def test_no_ground_truth_at_all_leaves_all_negative() -> None:
    gt = made(PUBLISHED).assign(lattice(PUBLISHED, 64, 64), only(torch.zeros(0, 4)), torch.tensor([[64, 64]])).gt_index
    assert gt.shape == (1, 60) and (gt == NEGATIVE).all()
