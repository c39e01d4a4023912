"""Images in the middle of a black square: where NanoDet's authors put each pixel and each box, and back again."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from detectors import random_batch
from reference import golden
from torch import Tensor
from torchvision import tv_tensors

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import DataConfig, Pixels, Resize
from gfl_bench.data.letterbox import FRAME, Letterbox
from gfl_bench.data.side_lengths import SideLengths
from gfl_bench.data.transforms import evaluation_transform, training_transform
from gfl_bench.engine.accumulation import split
from gfl_bench.structures import Batch


def sample(image: Tensor, boxes: list[list[float]], **more: Any) -> dict[str, Any]:
    def made(corners: list[list[float]]) -> tv_tensors.BoundingBoxes:
        tensor = torch.tensor(corners).reshape(-1, 4)
        return tv_tensors.BoundingBoxes(tensor, format="XYXY", canvas_size=tuple(image.shape[1:]))

    return {"image": tv_tensors.Image(image), "boxes": made(boxes), "labels": torch.arange(len(boxes)),
            "ignored_boxes": made([]), **more}  # fmt: skip


def painted(height: int, width: int, box: tuple[int, int, int, int]) -> dict[str, Any]:
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    image[:, box[1] : box[3], box[0] : box[2]] = 255
    return sample(image, [[float(number) for number in box]])


@pytest.mark.parametrize("name", ["wide", "high", "large"])
def test_pixels_are_those_of_opencv_s_warp_by_nanodet_s_matrix(name: str) -> None:
    stored = golden("letterbox")
    image, expected = (torch.from_numpy(stored[key]).permute(2, 0, 1) for key in (name, f"{name}_warped"))
    height, width = image.shape[1:]
    found = Letterbox(expected.shape[-1])(sample(image.contiguous(), [[0.0, 0, width, height]]))
    off = (found["image"].as_subclass(Tensor).int() - expected.int()).abs()
    assert off.max() <= 1 and (off > 0).float().mean() < 0.005
    (scale, _, left), (_, _, top) = stored[f"{name}_matrix"][:2].tolist()
    corners = torch.tensor([left, top, left + scale * width, top + scale * height])
    torch.testing.assert_close(found["boxes"].as_subclass(Tensor)[0], corners)
    torch.testing.assert_close(found[FRAME], corners)


def test_half_the_size_is_every_second_pixel_between_black_bars() -> None:
    image = torch.randint(256, (3, 40, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = Letterbox(32)(sample(image, []))["image"]
    assert torch.equal(found[:, 6:26], image[:, ::2, ::2])
    assert not found[:, :6].any() and not found[:, 26:].any()


def test_the_network_sees_blue_first_less_imagenet_s_mean_by_its_deviation() -> None:
    image = torch.tensor([10, 20, 30], dtype=torch.uint8)[:, None, None].expand(3, 32, 32).contiguous()
    data = DataConfig(name="any", size=32, resize=Resize.letterbox, pixels=Pixels.bgr)
    seen = evaluation_transform(data)(sample(image, []))["image"][:, 0, 0]
    expected = [(30 - 103.53) / 57.375, (20 - 116.28) / 57.12, (10 - 123.675) / 58.395]
    torch.testing.assert_close(seen, torch.tensor(expected))


def test_training_moves_boxes_and_their_sigma_with_their_pixels() -> None:
    data = DataConfig(name="any", size=64, resize=Resize.letterbox, multi_scale=[0.6, 1.4], shift=0.2)
    transform, ratios, middles = training_transform(data), [], []
    for seed in range(200):
        torch.manual_seed(seed)
        given = painted(64, 64, (26, 20, 38, 44)) | {"sigma": SideLengths(torch.tensor([[1.0, 2, 3, 4]]))}
        found = transform(given)
        x1, y1, x2, y2 = (round(value) for value in found["boxes"][0].tolist())
        bright = found["image"][0] > 0
        assert bright[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1].all()
        assert bright.sum() <= (x2 - x1 + 2) * (y2 - y1 + 2)
        ratio = (found[FRAME][2] - found[FRAME][0]).item() / 64
        assert sorted(found["sigma"][0].tolist()) == pytest.approx([ratio * sigma for sigma in (1, 2, 3, 4)], rel=1e-5)
        ratios.append(ratio)
        middles.append(((found[FRAME][0] + found[FRAME][2]) / 2).item() / 64 - 0.5)
    assert 0.6 <= min(ratios) < 0.65 and 1.35 < max(ratios) <= 1.4
    assert -0.2 <= min(middles) < -0.18 and 0.18 < max(middles) <= 0.2


def test_boxes_that_leave_the_square_are_left_out_with_their_labels_and_others_are_clipped() -> None:
    image = torch.zeros(3, 40, 40, dtype=torch.uint8)
    boxes = [[0.0, 0, 4, 4], [18, 18, 22, 22], [5, 18, 22, 22]]
    sigma = SideLengths(torch.arange(12.0).reshape(3, 4))
    found = Letterbox(40, shares=(2, 2))(sample(image, boxes, sigma=sigma))
    assert found["labels"].tolist() == [1, 2] and torch.equal(found["sigma"].as_subclass(Tensor), 2 * sigma[1:])
    clipped = training_transform(DataConfig(name="any", size=40, resize=Resize.letterbox, multi_scale=[2, 2], flip=0))
    assert clipped(sample(image, boxes))["boxes"].tolist() == [[16, 16, 24, 24], [0, 16, 24, 24]]


def test_colours_change_in_training_alone_and_boxes_never_by_them() -> None:
    data = DataConfig(name="any", size=32, resize=Resize.letterbox, color_jitter=0.2, flip=0)
    given = painted(32, 32, (4, 5, 20, 21))
    given["image"] = tv_tensors.Image(torch.full((3, 32, 32), 100, dtype=torch.uint8))
    plain = evaluation_transform(data)(given)
    torch.manual_seed(0)
    means = {round(training_transform(data)(given)["image"].mean().item(), 3) for _ in range(20)}
    assert len(means) > 10
    assert torch.equal(training_transform(data)(given)["boxes"], plain["boxes"])


def test_coordinates_go_back_to_the_original_one_by_one_or_by_image() -> None:
    batch = random_batch(0, [1, 1], 64, 64)
    batch.scale_factors = torch.tensor([[0.5, 0.5], [2.0, 2.0]])
    batch.frames = torch.tensor([[0.0, 10, 64, 54], [8.0, 0, 56, 64]])
    assert batch.to_original(torch.tensor([[0.0, 10, 64, 54]]), 0).tolist() == [[0, 0, 128, 88]]
    points = torch.tensor([[0.0, 10], [8, 0], [10, 64]])
    assert batch.to_original(points, torch.tensor([0, 1, 1])).tolist() == [[0, 0], [0, 0], [1, 32]]
    parts = [part.frames for part in split(batch.to("cpu"), 1)]
    assert torch.equal(torch.cat([part for part in parts if part is not None]), batch.frames)


def test_without_a_letterbox_the_original_fills_the_image() -> None:
    batch: Batch = random_batch(0, [1, 1], 64, 96)
    batch.scale_factors = torch.tensor([[0.5, 0.25], [1.0, 1.0]])
    assert batch.frame(1).tolist() == [0, 0, 56, 64]
    assert batch.to_original(torch.tensor([[4.0, 4, 8, 8]]), 0).tolist() == [[8, 16, 16, 32]]


@pytest.mark.parametrize(("option", "words"), [
    ("data.shift=0.2", "data.resize=short_edge has none: set data.shift=0, or data.resize=letterbox"),
    ("data.color_jitter=2", "data.color_jitter=2 is a share: set a number from 0 to 1"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(option: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(["scale=smoke", option])
