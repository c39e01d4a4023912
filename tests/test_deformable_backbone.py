"""Deformable convolutions, alone and in the backbones of the model zoo."""

from __future__ import annotations

import json
from math import floor
from typing import Any

import pytest
import torch
import torchvision
from reference import GOLDENS
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models._api import WeightsEnum

from gfl_bench.config import schema
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.models.backbones import ResNet
from gfl_bench.models.backbones.deformable import DeformableConv2d
from gfl_bench.models.initialise import initialise
from gfl_bench.speed import count_flops

ZOO = {
    "gfl_r101_dcn": {"deformable_stages": [2, 3, 4]},
    "gfl_x101_dcn": {"deformable_stages": [3, 4], "groups": 32, "width_per_group": 4},
}


def trunk(**options: Any) -> ResNet:
    return ResNet(schema.ResNet(**{"weights": None, "base_channels": 8, "deformable_stages": [3, 4], **options}))


def random_conv(modulated: bool, stride: int = 1, groups: int = 1, spread: float = 0.3) -> tuple[nn.Module, Tensor]:
    """A convolution whose points move by ``spread`` and more pixels, and an input [2, 4, 6, 7] for it."""
    generator = torch.Generator().manual_seed(0)
    conv = DeformableConv2d(4, 6, stride, groups, modulated)
    for parameter in conv.parameters():
        nn.init.normal_(parameter, std=spread, generator=generator)
    return conv, torch.randn(2, 4, 6, 7, generator=generator)


def at(image: Tensor, y: float, x: float) -> Tensor:
    """[C] of ``image`` [C, H, W] at a point, bilinear, zero outside."""
    value = torch.zeros(len(image), dtype=image.dtype)
    for row in (floor(y), floor(y) + 1):
        for column in (floor(x), floor(x) + 1):
            if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
                value += image[:, row, column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return value


def plain_deformable(conv: Any, images: Tensor) -> Tensor:
    """One output position and one kernel point after the other; mmcv's channels: y0, x0, y1, x1, ..., then weights."""
    said = conv.conv_offset(images)
    stride, (count, _, height, width) = conv.stride[0], said.shape
    result = torch.zeros(count, conv.out_channels, height, width)
    for number, row, column in [(n, y, x) for n in range(count) for y in range(height) for x in range(width)]:
        here, values = said[number, :, row, column], []
        for point in range(9):
            y = row * stride - 1 + point // 3 + here[2 * point].item()
            x = column * stride - 1 + point % 3 + here[2 * point + 1].item()
            values.append(at(images[number], y, x) * (here[18 + point].sigmoid() if conv.modulated else 1))
        window = torch.stack(values, dim=1).view(1, -1, 3, 3)
        result[number, :, row, column] = functional.conv2d(window, conv.weight, groups=conv.groups)[0, :, 0, 0]
    return result


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("modulated", [True, False])
def test_points_move_by_y_then_x_and_count_by_their_weight(modulated: bool, stride: int, groups: int) -> None:
    conv, images = random_conv(modulated, stride, groups)
    with torch.no_grad():
        torch.testing.assert_close(conv(images), plain_deformable(conv, images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("modulated", "share"), [(True, 0.5), (False, 1.0)])
def test_at_first_it_is_a_plain_convolution_or_half_of_one(modulated: bool, share: float) -> None:
    conv = DeformableConv2d(4, 6, stride=2, groups=2, modulated=modulated)
    images = torch.randn(2, 4, 9, 8, generator=torch.Generator().manual_seed(0))
    plain = functional.conv2d(images, conv.weight, stride=2, padding=1, groups=2)
    torch.testing.assert_close(conv(images), share * plain)


@pytest.mark.parametrize("modulated", [True, False])
def test_offsets_and_weights_learn_from_the_start(modulated: bool) -> None:
    conv, (_, images) = DeformableConv2d(4, 6, modulated=modulated), random_conv(modulated)
    conv(images).square().sum().backward()
    for parameter in conv.parameters():
        assert parameter.grad is not None and (parameter.grad.flatten(1 if parameter.ndim > 1 else 0) != 0).all()


def test_autocast_leaves_the_points_in_float32() -> None:
    conv, images = random_conv(True, spread=2.0)
    half = images.bfloat16()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = conv(half)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, conv(half.float()).bfloat16())


def test_memory_order_changes_nothing() -> None:
    backbone, images = trunk(deformable_stages=[2, 3, 4]).eval(), torch.randn(1, 3, 64, 64)
    wanted = backbone(images)
    found = backbone.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("modulated", [True, False])
@pytest.mark.parametrize("model", ZOO)
def test_parameters_are_the_zoo_s_but_for_the_points_weights(model: str, modulated: bool) -> None:
    """mmdetection's published GFL has no weights of points: 18 channels of offsets; the paper's has them, 27."""
    stored = json.loads((GOLDENS / "state_dict_keys.json").read_text(encoding="utf-8"))[model]
    with torch.device("meta"):
        state = trunk(depth=101, base_channels=64, modulated=modulated, **ZOO[model]).state_dict()
    if modulated:
        stored = {key: [27, *shape[1:]] if "conv_offset" in key else shape for key, shape in stored.items()}
    assert {f"backbone.{key}": list(value.shape) for key, value in state.items()} == stored


def test_initial_weights_are_those_of_the_plain_network_without_offsets() -> None:
    plain, deformable = trunk(deformable_stages=[]), trunk()
    for network in (plain, deformable):
        initialise(nn.ModuleDict({"backbone": network}), seed=3, score_prior=0.01)
    offsets = {key: value for key, value in deformable.state_dict().items() if ".conv_offset." in key}
    assert len(offsets) == 2 * (6 + 3)
    assert not any(value.any() for value in offsets.values())
    torch.testing.assert_close(plain.state_dict() | offsets, deformable.state_dict(), rtol=0, atol=0)


def test_published_weights_fill_all_but_the_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    published = torchvision.models.resnet50(weights=None).state_dict()
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda *args, **options: dict(published))
    backbone = trunk(base_channels=64, weights="IMAGENET1K_V1")
    backbone.load_published()
    state = backbone.state_dict()
    offsets = {key: torch.zeros_like(value) for key, value in state.items() if ".conv_offset." in key}
    wanted = {key: value for key, value in published.items() if not key.startswith("fc.")}
    torch.testing.assert_close(state, {key: (wanted | offsets)[key] for key in state}, rtol=0, atol=0)
    assert len(state) == len(wanted) + len(offsets)
    del published["layer3.0.conv2.weight"]
    with pytest.raises(RuntimeError, match=r"Missing key.*layer3.0.conv2.weight"):
        backbone.load_published()


def test_frozen_stages_freeze_their_offsets() -> None:
    backbone = trunk(frozen_stages=3)
    learning = {name.split(".")[0] for name, p in backbone.named_parameters() if p.requires_grad}
    assert learning == {"layer4"}


def test_a_deformable_convolution_is_counted_as_its_two_convolutions() -> None:
    images = torch.zeros(1, 8, 16, 16)
    conv = DeformableConv2d(8, 12, stride=2, groups=2)
    plain = nn.Conv2d(8, 12, 3, stride=2, padding=1, groups=2)
    assert count_flops(conv, images) == count_flops(plain, images) + count_flops(conv.conv_offset, images)


@pytest.mark.parametrize(("overrides", "words"), [
    (["backbone=resnet18", "backbone.deformable_stages=[3]"], r"deformable_stages=\[3\] have .*: set"),
    (["backbone=resnet50", "backbone.deformable_stages=[4,5]"], "must be among 2, 3 and 4"),
    (["backbone=resnet50", "backbone.modulated=false"], "changes nothing without"),
    (["backbone=resnext101_32x4d_dcn", "scale=paper"], "not published by torchvision for resnext101_32x4d"),
])  # fmt: skip
def test_what_cannot_deform_is_refused_with_the_mend(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(overrides)
