"""SSD's priors against mmdetection's, and what they are made of."""

from __future__ import annotations

import pytest
import torch
from reference import golden

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import MaxIoUAssigner, SSDPriors
from gfl_bench.models.assigners.assignment import NEGATIVE
from gfl_bench.models.assigners.max_iou import MaxIoU
from gfl_bench.models.coding import deltas_from_boxes
from gfl_bench.models.priors import boxes_per_cell, level_sizes, priors_for
from gfl_bench.structures import Instances, Priors

CPU = torch.device("cpu")
SSD512 = ["detector=ssd512", "quality=none", "box=dirac", "guidance=none"]


def lattice(height: int, width: int, config: SSDPriors) -> Priors:
    return priors_for(level_sizes(height, width, config.strides), config, CPU)


def test_the_priors_of_a_square_of_512_are_the_references_to_the_last_bit() -> None:
    priors = lattice(512, 512, SSDPriors())
    assert torch.equal(priors.box, torch.from_numpy(golden("ssd_targets")["anchors_512"]))
    torch.testing.assert_close(priors.center, (priors.box[:, :2] + priors.box[:, 2:]) / 2)
    assert boxes_per_cell(SSDPriors()) == [4, 6, 6, 6, 6, 4, 4]
    cells = [height * width for height, width in priors.level_sizes]
    assert priors.lengths == [count * boxes for count, boxes in zip(cells, boxes_per_cell(SSDPriors()), strict=True)]


@pytest.mark.parametrize("image", ["ssd8", "ssd30", "ssd0"])
def test_targets_are_the_references(image: str) -> None:
    priors, z = lattice(512, 512, SSDPriors()), golden("ssd_targets")
    boxes = torch.from_numpy(z[f"{image}/gt_bboxes"]).reshape(-1, 4)
    owner = torch.zeros(len(boxes), dtype=torch.int64)
    config = compose_config(SSD512).detector
    assert isinstance(config.assigner, MaxIoUAssigner)
    instances = Instances(boxes, owner, owner, torch.zeros(0, 4), owner[:0])
    (gt,) = MaxIoU(config.assigner).assign(priors, instances, torch.tensor([[512, 512]])).gt_index
    assert torch.equal(gt.clamp(min=NEGATIVE) + 1, torch.from_numpy(z[f"{image}/gt_inds"]).long())
    learnt = deltas_from_boxes(priors.box[gt >= 0], boxes[gt[gt >= 0]], config.dirac.delta_std)
    stored = torch.from_numpy(z[f"{image}/pos_bbox_targets"]).reshape(-1, 4)
    torch.testing.assert_close(learnt, stored, rtol=0, atol=1e-4)


def test_all_but_the_second_box_of_a_cell_have_the_area_of_the_first_which_grows_with_the_level() -> None:
    priors = lattice(512, 512, SSDPriors())
    width, height = (priors.box[:, 2:] - priors.box[:, :2]).unbind(1)
    first = [20, 51, 133, 215, 296, 378, 460, 542]
    for level, boxes in enumerate(boxes_per_cell(SSDPriors())):
        here = (priors.level == level).nonzero().squeeze(1)[:boxes]
        areas = (width * height)[here].sqrt()
        second = (first[level] * first[level + 1]) ** 0.5
        torch.testing.assert_close(areas, torch.tensor([first[level], second] + [first[level]] * (boxes - 2)).float())
        ratios = [1, 1, 0.5, 2, 1 / 3, 3][:boxes]
        torch.testing.assert_close((height / width)[here], torch.tensor(ratios))


def test_boxes_follow_the_images_size_and_centres_do_not() -> None:
    large, small = lattice(256, 320, SSDPriors()), lattice(256, 320, SSDPriors(image_size=256))
    assert torch.equal(large.center, small.center)
    shrunk = (small.box[:, 2:] - small.box[:, :2]) / (large.box[:, 2:] - large.box[:, :2])
    assert ((shrunk > 0.48) & (shrunk < 0.51)).all()  # sides are whole pixels


@pytest.mark.parametrize(("size", "wanted"), [(160, 512), (512, 512), (800, 800)])
def test_images_smaller_than_the_published_keep_its_boxes(size: int, wanted: int) -> None:
    assert compose_config([*SSD512, f"data.size={size}"]).detector.prior == SSDPriors(image_size=wanted)


@pytest.mark.parametrize(("override", "words"), [
    ("detector.prior.strides=[8,16]", "2 strides, 8 sizes and 7 ratios"),
    ("detector.prior.image_size=20", "at least 1 pixel each"),
])  # fmt: skip
def test_lists_that_do_not_fit_are_refused(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config([*SSD512, override])
