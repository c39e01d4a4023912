"""The ResNet and ResNeXt trunks and the feature pyramid."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from reference import GOLDENS
from torch import nn

from gfl_bench.config import schema
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.models.backbones import ResNet, WeightsError
from gfl_bench.models.necks import FPN


def trunk(**options: object) -> ResNet:
    return ResNet(schema.ResNet(**{"depth": 18, "weights": None, "base_channels": 8, **options}))  # type: ignore[arg-type]


@pytest.mark.parametrize("depth", [18, 50])
def test_torchvision_s_weights_load_unchanged_and_give_its_maps(depth: int) -> None:
    theirs = torchvision.models.get_model(f"resnet{depth}", weights=None).eval()
    ours = trunk(depth=depth, base_channels=64).eval()
    ours.load_state_dict({key: value for key, value in theirs.state_dict().items() if not key.startswith("fc.")})
    x = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        c3, c4, c5 = ours(x)
        x = theirs.layer1(theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(x)))))
        for found in (c3, c4, c5):
            x = theirs.get_submodule(f"layer{ {c3.shape: 2, c4.shape: 3, c5.shape: 4}[found.shape] }")(x)
            torch.testing.assert_close(found, x)
    assert ours.channels == [c3.shape[1], c4.shape[1], c5.shape[1]]


@pytest.mark.parametrize(("name", "depth", "groups", "width"), [
    ("resnet34", 34, 1, 64), ("resnet101", 101, 1, 64), ("resnext101_32x8d", 101, 32, 8),
])  # fmt: skip
def test_parameter_names_are_torchvision_s(name: str, depth: int, groups: int, width: int) -> None:
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name, weights=None).state_dict()
        ours = trunk(depth=depth, base_channels=64, groups=groups, width_per_group=width).state_dict()
    assert {key: value.shape for key, value in ours.items()} == {
        key: value.shape for key, value in theirs.items() if not key.startswith("fc.")
    }


def test_resnext_101_32x4d_has_mmdetection_s_parameters() -> None:
    stored = json.loads((GOLDENS / "state_dict_keys.json").read_text(encoding="utf-8"))["gfl_x101_32x4d"]
    with torch.device("meta"):
        state = trunk(depth=101, base_channels=64, groups=32, width_per_group=4).state_dict()
    assert {f"backbone.{key}": list(value.shape) for key, value in state.items()} == stored


@pytest.mark.parametrize(("base", "width", "channels"), [(64, 8, 8), (16, 8, 2), (8, 8, 1), (16, 4, 1), (8, 4, 1)])
def test_groups_narrow_with_the_network_to_one_channel_each(base: int, width: int, channels: int) -> None:
    with torch.device("meta"):
        backbone = trunk(depth=50, base_channels=base, groups=32, width_per_group=width)
    for stage in range(4):
        conv = backbone.get_parameter(f"layer{stage + 1}.0.conv2.weight")
        assert conv.shape == (32 * channels * 2**stage, channels * 2**stage, 3, 3)
    assert backbone.channels == [base * 8, base * 16, base * 32]


@pytest.mark.parametrize(("stages", "frozen"), [
    (-1, set()), (0, {"conv1", "bn1"}), (1, {"conv1", "bn1", "layer1"}), (2, {"conv1", "bn1", "layer1", "layer2"}),
])  # fmt: skip
def test_frozen_stages_learn_nothing_and_keep_their_statistics(stages: int, frozen: set[str]) -> None:
    backbone = trunk(frozen_stages=stages, norm_eval=False).train()
    means = {name: x for name, x in backbone.named_buffers() if name.endswith("running_mean")}
    torch.cat([x.flatten() for x in backbone(torch.randn(2, 3, 64, 64))]).sum().backward()
    still = {name.split(".")[0] for name, p in backbone.named_parameters() if p.grad is None}
    kept = {name.split(".")[0] for name, mean in means.items() if (mean == 0).all()}
    assert still == frozen
    assert kept == frozen - {"conv1"}


def test_norm_eval_keeps_all_statistics_while_scales_and_shifts_learn() -> None:
    backbone = trunk(norm_eval=True, frozen_stages=-1).train()
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert backbone.training
    assert not any(norm.training for norm in norms)
    assert all(norm.weight.requires_grad for norm in norms)


@pytest.mark.parametrize(("options", "file"), [
    ({"depth": 18}, "resnet18"), ({"depth": 101, "groups": 32, "width_per_group": 8}, "resnext101_32x8d"),
])  # fmt: skip
def test_weights_that_cannot_be_downloaded_are_named_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, int], file: str
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with torch.device("meta"):
        backbone = trunk(base_channels=64, weights="IMAGENET1K_V1", **options)
    with pytest.raises(WeightsError, match=rf"no network.*put https://.*{file}.*or set backbone.weights=null"):
        backbone.load_published()


def test_weights_of_another_width_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"for 64 channels, but .*=8: set backbone.weights=null"):
        trunk(weights="IMAGENET1K_V1").load_published()


def test_weights_that_torchvision_does_not_have_are_refused_when_a_config_is_composed() -> None:
    with pytest.raises(ConfigError, match=r"resnext101_32x4d: set backbone.weights=null .*checkpoint=FILE"):
        compose_config(["scale=paper", "backbone=resnext101_32x4d"])
    composed = compose_config(["scale=paper", "backbone=resnext101_32x8d"]).backbone
    assert composed == schema.ResNet(depth=101, groups=32, width_per_group=8)


@pytest.mark.parametrize(("override", "words"), [
    ("backbone.groups=32", "are for the bottleneck blocks"), ("backbone.width_per_group=0", "must be at least 1"),
    ("backbone.depth=20", "is not a ResNet here"),
])  # fmt: skip
def test_blocks_that_do_not_exist_are_refused_with_the_mend(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(["backbone=resnet18", override])


def test_unknown_weights_are_refused_with_the_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"set one of IMAGENET1K_V1, or null"):
        trunk(base_channels=64, weights="IMAGENET1K_V7").load_published()


@pytest.mark.parametrize("size", [(64, 96), (100, 84)])
def test_the_pyramid_has_strides_8_to_128_rounded_up(size: tuple[int, int]) -> None:
    height, width = size
    maps = trunk().eval()(torch.zeros(1, 3, height, width))
    pyramid = FPN(schema.FPN(channels=4), [16, 32, 64], levels=5)(maps)
    assert [tuple(x.shape) for x in pyramid] == [
        (1, 4, -(-height // stride), -(-width // stride)) for stride in (8, 16, 32, 64, 128)
    ]


def test_relu_before_p7_changes_p7_alone() -> None:
    maps = [torch.randn(1, 4, size, size, generator=torch.Generator().manual_seed(size)) for size in (16, 8, 4)]
    plain = FPN(schema.FPN(channels=4), [4, 4, 4], levels=5)
    rectified = FPN(schema.FPN(channels=4, relu_before_p7=True), [4, 4, 4], levels=5)
    rectified.load_state_dict(plain.state_dict())
    equal = [torch.equal(a, b) for a, b in zip(plain(maps), rectified(maps), strict=True)]
    assert equal == [True, True, True, True, False]


def test_a_pyramid_with_group_norm_has_levels_of_unit_spread() -> None:
    maps = [5 + 3 * torch.randn(2, 4, size, size, generator=torch.Generator().manual_seed(size)) for size in (16, 8, 4)]
    pyramid = FPN(schema.FPN(channels=8, norm_groups=2), [4, 4, 4], levels=5)(maps)
    for level in pyramid:
        groups = level.reshape(2, 2, -1)
        torch.testing.assert_close(groups.mean(-1), torch.zeros(2, 2), rtol=0, atol=1e-5)
        torch.testing.assert_close(groups.var(-1, correction=0), torch.ones(2, 2), rtol=0, atol=1e-2)


def test_a_detector_asks_for_group_norm_and_its_groups_must_be_equal() -> None:
    for overrides, groups in (["detector=reppoints_v2", "quality=none", "box=dirac", "guidance=none"], 8), ([], 0):
        neck = compose_config(overrides).neck
        assert isinstance(neck, schema.FPN) and neck.norm_groups == groups
    with pytest.raises(ConfigError, match=r"neck\.channels=64 is not a multiple of neck\.norm_groups=7"):
        compose_config(["neck.norm_groups=7"])
