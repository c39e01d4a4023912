"""VGG-16 as SSD's backbone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
import torchvision
from reference import GOLDENS
from torch.nn import functional
from torchvision.models._api import WeightsEnum

from gfl_bench.config import schema
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.rules.backbones import architecture
from gfl_bench.models.backbones import VGG16, WeightsError


def trunk(**options: Any) -> VGG16:
    return VGG16(schema.VGG16(**{"weights": None, "base_channels": 4, **options}))


def on_meta(**options: Any) -> VGG16:
    with torch.device("meta"):
        return trunk(**options)


def test_parameters_are_those_of_mmdetection_s_ssd512() -> None:
    stored = json.loads((GOLDENS / "state_dict_keys.json").read_text(encoding="utf-8"))["ssd512"]
    state = {f"backbone.{key}": list(value.shape) for key, value in on_meta(base_channels=64).state_dict().items()}
    assert state == {key: shape for key, shape in stored.items() if key.startswith("backbone.")}


@pytest.mark.parametrize(("height", "width"), [(64, 96), (100, 84), (33, 20)])
def test_strides_are_8_and_16_rounded_up(height: int, width: int) -> None:
    backbone = trunk()
    shapes = [tuple(x.shape) for x in backbone(torch.zeros(2, 3, height, width))]
    assert shapes == [
        (2, channels, -(-height // stride), -(-width // stride))
        for channels, stride in zip(backbone.channels, (8, 16), strict=True)
    ]
    assert on_meta(base_channels=64).channels == [512, 1024]


def test_with_batch_norm_the_13_convolutions_are_torchvision_s_vgg16_bn() -> None:
    with torch.device("meta"):
        theirs = torchvision.models.vgg16_bn(weights=None).features.state_dict()
    own = on_meta(base_channels=64, batch_norm=True).features
    convolutions, norms = (
        [x for x in own.modules() if isinstance(x, kind)] for kind in (torch.nn.Conv2d, torch.nn.BatchNorm2d)
    )
    assert len(convolutions) == len(norms) == 15
    assert {key: x.shape for key, x in list(own.state_dict().items())[: len(theirs)]} == {
        key: x.shape for key, x in theirs.items()
    }
    names = architecture(schema.VGG16()), architecture(schema.VGG16(batch_norm=True))
    assert names == ("vgg16", "vgg16_bn")


def test_maps_come_from_behind_the_norms_and_the_activation() -> None:
    backbone, images = trunk(batch_norm=True).eval(), torch.randn(1, 3, 64, 64)
    conv4_3, fc7 = backbone(images)
    assert torch.equal(conv4_3, backbone.features[:33](images))
    assert torch.equal(fc7, backbone.features(images))
    assert isinstance(backbone.features[32], torch.nn.ReLU) and isinstance(backbone.features[33], torch.nn.MaxPool2d)


def test_conv4_3_is_torchvision_s_before_its_pooling_and_fc7_follows_a_dilated_fc6() -> None:
    backbone, images = trunk(), torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    layers = torchvision.models.vgg.make_layers(
        [4, 4, "M", 8, 8, "M", 16, 16, 16, "M", 32, 32, 32, "M", 32, 32, 32, "M"]
    )
    state = backbone.features.state_dict()
    layers.load_state_dict({key: state[key] for key in layers.state_dict()})
    with torch.no_grad():
        conv4_3, fc7 = backbone(images)
        torch.testing.assert_close(conv4_3, layers[:23](images))
        x = functional.max_pool2d(layers[:30](images), 3, stride=1, padding=1)
        x = functional.conv2d(x, state["31.weight"], state["31.bias"], padding=6, dilation=6).relu()
        torch.testing.assert_close(fc7, functional.conv2d(x, state["33.weight"], state["33.bias"]).relu())


@pytest.mark.parametrize(("stages", "first"), [(-1, 0), (0, 0), (1, 5), (4, 24), (5, 31), (6, 35)])
def test_frozen_stages_learn_nothing(stages: int, first: int) -> None:
    parameters = trunk(frozen_stages=stages).named_parameters()
    assert all(p.requires_grad == (int(name.split(".")[1]) >= first) for name, p in parameters)


@pytest.mark.parametrize(("name", "fc6"), [("vgg16", 31), ("vgg16_bn", 44)])  # its layer
def test_published_weights_fill_the_13_convolutions_and_leave_fc6_and_fc7(
    name: str, fc6: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.device("meta"):
        shapes = torchvision.models.get_model(name, weights=None).state_dict()
    published = {key: torch.full(x.shape if key.startswith("features.") else (), 7) for key, x in shapes.items()}
    monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda *args, **options: dict(published))
    backbone = trunk(base_channels=64, weights="IMAGENET1K_V1", batch_norm=name == "vgg16_bn")
    before = {key: value.clone() for key, value in backbone.features[fc6:].named_parameters()}
    backbone.load_published()
    filled = [key for key, value in backbone.state_dict().items() if (value == 7).all()]
    assert filled == [key for key in shapes if key.startswith("features.")]
    torch.testing.assert_close(dict(backbone.features[fc6:].named_parameters()), before, rtol=0, atol=0)
    last = [key for key in shapes if key.startswith("features.") and key.endswith(".bias")][-1]
    del published[last]
    with pytest.raises(RuntimeError, match=f"Missing key.*{last}"):
        backbone.load_published()


def test_weights_that_cannot_be_downloaded_are_named_with_a_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(WeightsError, match=r"no network.*put https://.*vgg16.*or set backbone.weights=null"):
        on_meta(base_channels=64, weights="IMAGENET1K_V1").load_published()


def test_weights_of_other_pixels_are_refused() -> None:
    authors = ["backbone=vgg16_caffe", "scale=paper"]
    assert compose_config([*authors, "data=coco_ssd"]).data.pixels is schema.Pixels.centred
    with pytest.raises(ConfigError, match=r"trained on data.pixels=centred, but data.pixels=torchvision: set"):
        compose_config(authors)


@pytest.mark.parametrize(("override", "words"), [
    ("backbone.weights=IMAGENET1K_V1", "published for 64 channels"),
    ("backbone.norm_eval=true", "without backbone.batch_norm=true"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_mend(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(["backbone=vgg16", override])
