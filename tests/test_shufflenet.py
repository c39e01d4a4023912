"""ShuffleNetV2 as NanoDet's backbone: torchvision's, but for its activations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models._api import WeightsEnum

from gfl_bench.config import schema
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.models.backbones import ShuffleNetV2


def trunk(**options: Any) -> ShuffleNetV2:
    return ShuffleNetV2(schema.ShuffleNetV2(**{"weights": None, "base_channels": 8, **options}))


def without_classifier(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.startswith(("conv5.", "fc."))}


def test_without_a_leak_torchvision_s_weights_give_its_maps() -> None:
    theirs, ours = torchvision.models.shufflenet_v2_x1_0(weights=None).eval(), trunk(base_channels=58, leak=0.0).eval()
    ours.load_state_dict(without_classifier(theirs.state_dict()))
    x = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = ours(x)
        x = theirs.maxpool(theirs.conv1(x))
        for stage, level in zip((theirs.stage2, theirs.stage3, theirs.stage4), found, strict=True):
            x = stage(x)
            torch.testing.assert_close(level, x)
    assert ours.channels == [116, 232, 464] == [level.shape[1] for level in found]


@pytest.mark.parametrize(("base", "width"), [(24, "x0_5"), (58, "x1_0"), (88, "x1_5"), (122, "x2_0")])
def test_parameters_are_those_of_torchvision_at_every_width(base: int, width: str) -> None:
    with torch.device("meta"):
        theirs = torchvision.models.get_model(f"shufflenet_v2_{width}", weights=None).state_dict()
        ours = trunk(base_channels=base).state_dict()
    assert {name: x.shape for name, x in ours.items()} == {n: x.shape for n, x in without_classifier(theirs).items()}


@pytest.mark.parametrize(("height", "width"), [(64, 96), (100, 84)])
def test_strides_are_8_16_and_32_rounded_up(height: int, width: int) -> None:
    sides = [(x.shape[2], x.shape[3]) for x in trunk()(torch.zeros(2, 3, height, width))]
    assert sides == [(-(-height // stride), -(-width // stride)) for stride in (8, 16, 32)]


@pytest.mark.parametrize(("frozen", "still"), [(-1, set()), (0, {"conv1"}), (2, {"conv1", "stage2", "stage3"})])
def test_frozen_stages_learn_nothing_and_keep_their_statistics(frozen: int, still: set[str]) -> None:
    backbone = trunk(frozen_stages=frozen).train()
    assert {name.split(".")[0] for name, value in backbone.named_parameters() if not value.requires_grad} == still
    norms = {name.split(".")[0]: x.training for name, x in backbone.named_modules() if isinstance(x, nn.BatchNorm2d)}
    assert {name for name, training in norms.items() if not training} == still


def test_with_norm_eval_all_norms_rest_and_still_learn() -> None:
    backbone = trunk(norm_eval=True).train()
    assert not any(module.training for module in backbone.modules() if isinstance(module, nn.BatchNorm2d))
    assert all(value.requires_grad for value in backbone.parameters())


def test_published_weights_come_without_the_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = torchvision.models.shufflenet_v2_x1_0(weights=None).state_dict()
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, *args, **kwargs: theirs)
    backbone = trunk(base_channels=58, weights="IMAGENET1K_V1")
    backbone.load_published()
    assert all(torch.equal(value, theirs[name]) for name, value in backbone.state_dict().items())


def test_weights_of_another_width_are_refused() -> None:
    backbone = ["backbone=shufflenet_v2", "backbone.base_channels=16", "backbone.weights=IMAGENET1K_V1"]
    with pytest.raises(ConfigError, match=r"for 24 or 58 or 88 or 122 channels, but backbone.base_channels=16"):
        compose_config(["scale=smoke", *backbone])
