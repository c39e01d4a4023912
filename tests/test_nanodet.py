"""NanoDet is ATSS with GFL's losses on other parts: their sizes, their ways, and how they begin."""

from __future__ import annotations

import math

import pytest
import torch
from detectors import random_batch
from test_every_detector import composed
from torch import Tensor, nn
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.pan import PAN
from gfl_bench.speed import count_parameters

GFL = "quality=joint box=general_dfl box.n=7"
FULL_SIZE = ["cell=table15.nanodet_320", "scale=paper", "backbone.weights=null"]


@pytest.fixture(scope="module")
def full() -> Detector:
    return build_detector(compose_config(FULL_SIZE), 80, seed=0)


def test_parameters_are_the_paper_s_part_by_part(full: Detector) -> None:
    assert [count_parameters(part) for part in (full.backbone, full.neck, full.head)] == [776_420, 78_240, 95_376]
    assert count_parameters(full) == 950_036 and round(950_036 / 1e6, 2) == 0.95


def test_it_is_atss_in_all_but_its_head() -> None:
    detector = build_detector(composed("nanodet", GFL), 3, seed=0)
    assert type(detector) is Detector and type(detector.assigner).__name__ == "ATSS"


def test_the_recipe_is_that_of_section_4_6_at_scale_paper_and_the_scale_s_elsewhere() -> None:
    config = compose_config(FULL_SIZE)
    schedule, data = config.schedule, config.data
    assert (schedule.epochs, schedule.decay_epochs, schedule.decay) == (280, [240, 260, 275], 0.1)
    assert (schedule.lr, schedule.lr * schedule.warmup_factor) == pytest.approx((0.14, 0.014))
    assert (schedule.warmup_steps, schedule.batch_size, schedule.momentum) == (300, 192, 0.9)
    assert schedule.weight_decay == 1e-4
    assert (data.multi_scale, data.flip, data.size) == ([0.6, 1.4], 0.5, 320) and min(data.shift, data.color_jitter) > 0
    assert compose_config(["cell=table15.nanodet_416", "scale=demo"]).schedule.epochs == 12


def test_locations_are_in_the_middle_of_cells_and_boxes_five_strides_wide(full: Detector) -> None:
    priors = full.priors(random_batch(0, [1], 64, 64))
    assert priors.center[:2].tolist() == [[4, 4], [12, 4]] and priors.lengths == [64, 16, 4]
    assert priors.box[0].tolist() == [-16, -16, 24, 24]


def test_pan_merges_by_interpolation_alone_downwards_and_then_upwards() -> None:
    neck = PAN(schema.PAN(channels=8), [4, 6, 10], 3)
    random = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, count, side, side + 4, generator=random) for count, side in ((4, 16), (6, 8), (10, 4))]
    maps = [x[..., : side + side // 4] for x, side in zip(maps, (16, 8, 4), strict=True)]
    with torch.no_grad():
        laterals = [conv(x) for conv, x in zip(neck.lateral, maps, strict=True)]
        c5 = laterals[2]
        c4 = laterals[1] + functional.interpolate(c5, scale_factor=2, mode="bilinear")
        p3 = laterals[0] + functional.interpolate(c4, scale_factor=2, mode="bilinear")
        p4 = c4 + functional.avg_pool2d(p3, 2)  # what halving by bilinear interpolation is
        expected = [p3, p4, c5 + functional.avg_pool2d(p4, 2)]
        for found, level in zip(neck(maps), expected, strict=True):
            torch.testing.assert_close(found, level)


def test_class_and_box_are_read_from_one_tower_and_levels_share_nothing(full: Detector) -> None:
    towers = {name: value for name, value in full.named_parameters() if ".tower." in name}
    assert {name.split(".")[2] for name in towers} == {"0", "1", "2"}
    maps = [torch.randn(1, 96, side, side, requires_grad=True) for side in (8, 4, 2)]
    full.eval()
    for said in (full.head(maps).cls[:, -4:], full.head(maps).box[:, -4:]):
        full.zero_grad()
        said.sum().backward()
        used = {name for name, value in towers.items() if value.grad is not None and value.grad.any()}
        assert used == {name for name in towers if ".levels.2." in name}
        assert [x.grad is not None and bool(x.grad.any()) for x in maps] == [False, False, True]


def test_the_head_begins_small_and_unsure(full: Detector) -> None:
    def of(suffix: str) -> list[Tensor]:
        return [value for name, value in full.head.named_parameters() if name.endswith(suffix)]

    for suffix in ("pointwise.weight", "cls.weight", "box.weight"):
        for weight in of(suffix):
            assert weight.std().item() == pytest.approx(0.01, rel=0.1) and abs(weight.mean().item()) < 1e-3
    assert all(bias.unique().tolist() == pytest.approx([-math.log(99)]) for bias in of("cls.bias"))
    assert not any(bias.any() for bias in of("box.bias"))


def test_every_activation_leaks_a_tenth(full: Detector) -> None:
    kinds = {type(module) for module in full.modules()}
    assert nn.ReLU not in kinds and nn.LeakyReLU in kinds
    assert {module.negative_slope for module in full.modules() if isinstance(module, nn.LeakyReLU)} == {0.1}


@pytest.mark.parametrize(("options", "words"), [
    ("detector=atss neck=pan", "neck=pan makes 3 levels of .*, but detector=atss wants 5: set neck=fpn, or dete"),
    ("detector=nanodet neck=pan backbone=vgg16", "neck=pan makes 2 levels of backbone=vgg16, but .* wants 3: set neck"),
    ("detector=nanodet neck=ssd", "neck=ssd has maps of different widths"),
])  # fmt: skip
def test_what_has_no_maps_for_its_levels_is_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(["scale=smoke", *options.split()])
