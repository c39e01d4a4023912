"""SSD's training images, and COCO as its recipe takes it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recorded import compose_once
from torchvision import tv_tensors

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import DataConfig, Pixels, Resize
from gfl_bench.data.side_lengths import SideLengths
from gfl_bench.data.ssd_augmentation import SSDAugmentation
from gfl_bench.data.transforms import evaluation_transform, training_transform

SIDE = 96
MEAN = (124, 116, 104)


def boxes(*rows: list[float]) -> tv_tensors.BoundingBoxes:
    return tv_tensors.BoundingBoxes(torch.tensor(rows), format="XYXY", canvas_size=(SIDE, SIDE))


def sample() -> dict[str, Any]:
    """Two objects and an ignored one, each of a grey level of its own on black."""
    found = {
        "image": torch.zeros(3, SIDE, SIDE, dtype=torch.uint8),
        "boxes": boxes([8, 8, 40, 30], [50, 44, 90, 92]), "labels": torch.tensor([3, 5]),
        "ignored_boxes": boxes([60, 4, 84, 20]), "sigma": SideLengths(torch.tensor([[1.0] * 4, [2.0] * 4])),
    }  # fmt: skip
    for box, level in zip([*found["boxes"].int(), *found["ignored_boxes"].int()], (250, 200, 150), strict=True):
        left, top, right, bottom = box.tolist()
        found["image"][:, top:bottom, left:right] = level
    return found | {"image": tv_tensors.Image(found["image"])}


def many() -> list[dict[str, Any]]:
    torch.manual_seed(0)
    augment = SSDAugmentation(MEAN)
    return [augment(sample()) for _ in range(200)]


def test_what_belongs_to_a_box_stays_with_it_and_one_is_always_left() -> None:
    for found in many():
        assert 1 <= len(found["boxes"]) == len(found["labels"]) == len(found["sigma"])
        assert isinstance(found["boxes"], tv_tensors.BoundingBoxes) and isinstance(found["sigma"], SideLengths)
        assert [3 if one[0] == 1 else 5 for one in found["sigma"].tolist()] == found["labels"].tolist()


def test_boxes_move_with_their_pixels() -> None:
    """Undistorted, a box's middle has its own grey level."""
    torch.manual_seed(0)
    augment = SSDAugmentation(MEAN)
    augment._distort = torch.nn.Identity()
    for _ in range(100):
        found = augment(sample())
        levels = {3: 250, 5: 200}
        for box, label in zip(found["boxes"].tolist(), found["labels"].tolist(), strict=True):
            x, y = int((box[0] + box[2]) / 2), int((box[1] + box[3]) / 2)
            assert found["image"][0, y, x] == levels[label]
        height, width = found["image"].shape[-2:]
        for one in (*found["boxes"], *found["ignored_boxes"]):
            assert (one[2:] > one[:2]).all() and (one >= 0).all() and one[2] <= width and one[3] <= height


def test_images_become_larger_smaller_and_of_other_colours() -> None:
    found = many()
    areas = [one["image"].shape[-2] * one["image"].shape[-1] for one in found]
    assert min(areas) < SIDE**2 < max(areas)
    assert any(len(one["boxes"]) == 1 for one in found) and any(len(one["ignored_boxes"]) == 0 for one in found)
    corners = {tuple(one["image"][:, 0, 0].tolist()) for one in found}
    assert MEAN in corners and (0, 0, 0) in corners


def test_training_ends_in_a_square_and_evaluation_only_stretches() -> None:
    data = DataConfig(name="any", size=64, resize=Resize.stretch, pixels=Pixels.centred, ssd_augmentation=True)
    for _ in range(20):
        assert training_transform(data)(sample())["image"].shape == (3, 64, 64)
    wide = {"image": tv_tensors.Image(torch.zeros(3, 48, 96, dtype=torch.uint8)), "sigma": sample()["sigma"]}
    found = evaluation_transform(data)(wide)
    assert found["image"].shape == (3, 64, 64)
    torch.testing.assert_close(found["sigma"][0], SideLengths([64 / 96, 64 / 48, 64 / 96, 64 / 48]))
    expected = -torch.tensor([123.675, 116.28, 103.53])  # of black: only centred
    torch.testing.assert_close(found["image"].as_subclass(torch.Tensor)[:, 5, 5], expected)


def test_people_who_reach_beyond_their_image_are_not_cut() -> None:
    with pytest.raises(ConfigError, match=r"reach beyond it: set data.ssd_augmentation=false"):
        compose_config(["scale=smoke", "data=crowds", "data.ssd_augmentation=true"])


@pytest.mark.parametrize("row", ["ssd512_none", "ssd512_joint"])
def test_table_3_trains_ssd_at_scale_paper_as_it_was_published(row: str) -> None:
    """mmdetection's configs/ssd/ssd512_coco.py: 24 epochs of five passes, 8 images on each of 8 GPUs."""
    config = compose_once(("scale=paper", f"cell=table03.{row}"))
    data, schedule, recipe = config["data"], config["schedule"], config["detector"]["recipe"]
    assert (data["size"], data["resize"], data["ssd_augmentation"], data["pixels"]) == (512, "stretch", True, "centred")
    assert schedule["epochs"] == 24 * 5 and schedule["decay_epochs"] == [16 * 5, 22 * 5]
    assert (schedule["batch_size"], schedule["weight_decay"]) == (64, 5e-4)
    assert schedule["lr"] * recipe["lr_factor"] == pytest.approx(2e-3)
    assert config["detector"]["prior"]["image_size"] == 512
    assert config["backbone"]["weights"] == "IMAGENET1K_FEATURES" and not config["backbone"]["batch_norm"]
    other = compose_once(("scale=demo", f"cell=table03.{row}"))
    assert (other["data"]["name"], other["schedule"]["name"]) == ("scenes", "1x")
