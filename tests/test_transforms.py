"""Resizing, normalising and flipping, against mmcv's own numbers (goldens/resize_*)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from gfl_bench.config.schema import DataConfig
from gfl_bench.data.transforms import (
    KeepRatioResize,
    evaluation_transform,
    resized,
    training_transform,
)

GOLDENS = Path(__file__).parent / "goldens"


def sample(image: torch.Tensor, boxes: list[list[float]]) -> dict[str, object]:
    size = (image.shape[1], image.shape[2])
    return {
        "image": tv_tensors.Image(image),
        "boxes": tv_tensors.BoundingBoxes(torch.tensor(boxes), format="XYXY", canvas_size=size),
        "labels": torch.arange(len(boxes)),
        "ignored_boxes": tv_tensors.BoundingBoxes(torch.zeros(0, 4), format="XYXY", canvas_size=size),
    }


@pytest.mark.parametrize("case", json.loads((GOLDENS / "resize_sizes.json").read_text()), ids=str)
def test_sizes_and_scale_factors_are_mmcvs(case: dict[str, list[float]]) -> None:
    height, width = (int(v) for v in case["hw"])
    new_height, new_width = resized(height, width, int(min(case["scale"])), int(max(case["scale"])))
    assert [new_height, new_width] == case["new_hw"]
    assert [new_width / width, new_height / height] == pytest.approx(case["scale_factor_wh"], rel=1e-7)


def rgb(bgr: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(bgr[..., ::-1].copy()).permute(2, 0, 1)


@pytest.mark.parametrize("which", ["up_bgr", "down_bgr"])
def test_resized_pixels_are_within_one_grey_level_of_opencvs(which: str) -> None:
    golden = np.load(GOLDENS / "resize_norm.npz")
    expected = rgb(golden[which])
    size = (min(expected.shape[1:]), min(expected.shape[1:]))
    resized_image = KeepRatioResize(size, 10_000)(tv_tensors.Image(rgb(golden["img_bgr"])))
    assert resized_image.shape == expected.shape
    assert (resized_image.int() - expected.int()).abs().max() <= 1


def test_normalised_pixels_are_mmcvs() -> None:
    golden = np.load(GOLDENS / "resize_norm.npz")
    image = rgb(golden["up_bgr"])
    transform = evaluation_transform(DataConfig(name="any", size=80, max_size=1000))
    expected = torch.from_numpy(golden["up_normalized_rgb"]).permute(2, 0, 1)
    torch.testing.assert_close(
        transform(sample(image, [[0.0, 0, 5, 5]]))["image"].as_subclass(torch.Tensor), expected, rtol=0, atol=2e-6
    )


def test_boxes_scale_with_the_image_and_are_clipped_to_it() -> None:
    image = torch.zeros(3, 480, 640, dtype=torch.uint8)
    boxes = evaluation_transform(DataConfig(name="any", size=800))(sample(image, [[10.0, 20, 700, 480]]))["boxes"]
    expected = torch.tensor([[10 * 1067 / 640, 20 * 800 / 480, 1067, 800]])
    torch.testing.assert_close(boxes.as_subclass(torch.Tensor), expected)


def test_a_flip_moves_boxes_with_their_pixels() -> None:
    image = torch.zeros(3, 32, 48, dtype=torch.uint8)
    image[:, 5:9, 10:20] = 255
    flipped = training_transform(DataConfig(name="any", size=32, flip=1.0))(sample(image, [[10.0, 5, 20, 9]]))
    x1, y1, x2, y2 = (int(v) for v in flipped["boxes"][0])
    bright = flipped["image"][0] > 0
    assert (x1, y1, x2, y2) == (28, 5, 38, 9)
    assert bright[y1:y2, x1:x2].all()
    assert bright.sum() == (x2 - x1) * (y2 - y1)


def test_multi_scale_draws_every_short_edge_of_its_range_and_no_other() -> None:
    transform = training_transform(DataConfig(name="any", size=40, max_size=1000, multi_scale=[0.9, 1.0]))
    image = torch.zeros(3, 40, 60, dtype=torch.uint8)
    edges = {transform(sample(image, [[0.0, 0, 5, 5]]))["image"].shape[1] for _ in range(100)}
    assert edges == {36, 37, 38, 39, 40}


def test_an_image_of_the_right_size_is_passed_on_as_it_is() -> None:
    image = tv_tensors.Image(torch.zeros(3, 160, 160, dtype=torch.uint8))
    assert KeepRatioResize((160, 160), 267)(image) is image
