"""mmdetection's published files become our detectors, and those that do not fit are refused with the mend."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from reference import GOLDENS
from torch import Tensor

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.engine.published_options import as_overrides, differing, options_of
from gfl_bench.engine.state import load_weights
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.reference_names import UnknownNameError, family_of, from_reference, to_reference

CENTERNESS = ["quality=centerness_branch", "box=dirac", "guidance=none"]
CLASS_ALONE = ["quality=none", "box=dirac", "guidance=none"]
GFL = ["detector=atss", "quality=joint", "box=general_dfl", "guidance=none"]
MODELS = {
    "gfl": GFL,
    "gflv2": [*GFL, "guidance=distribution"],
    "gfl_x101_32x4d": [*GFL, "backbone=resnext101_32x4d"],
    "gfl_x101_dcn": [*GFL, "backbone=resnext101_32x4d_dcn", "backbone.modulated=false"],
    "gfl_r101_dcn": [*GFL, "backbone=resnet101_dcn", "backbone.modulated=false"],
    "atss": ["detector=atss", *CENTERNESS],
    "fcos_plain": ["detector=fcos_plain", *CENTERNESS],
    "fcos_full": ["detector=fcos", *CENTERNESS],
    "retinanet": ["detector=retinanet_a9", *CLASS_ALONE],
    "foveabox": ["detector=foveabox", *CLASS_ALONE],
    "paa": ["detector=paa", "quality=iou_branch", "box=dirac", "guidance=none"],
    "vfnet": ["detector=vfnet", "quality=joint", "box=dirac", "guidance=none"],
    "ssd512": ["detector=ssd512", *CLASS_ALONE, "neck=ssd", "backbone=vgg16", "data.resize=stretch"],
}
TEXTS = {"paa": "bbox_head=dict(type='PAAHead'", "atss": "bbox_head=dict(\n    type='ATSSHead'"}
FULL_SIZE = ["scale=paper", "data=scenes", "backbone.weights=null"]
NANO = ["scale=smoke", "backbone=resnet50", "backbone.base_channels=8"]


@cache
def composed(*overrides: str) -> Config:
    return compose_config(list(overrides))


def published_shapes(model: str) -> dict[str, list[int]]:
    """mmdetection's names and shapes; the backbone is ResNet-50 where the file leaves it out."""
    stored = json.loads((GOLDENS / "state_dict_keys.json").read_text(encoding="utf-8"))
    parts = {name.split(".")[0] for name in stored[model]}
    return {name: shape for name, shape in stored["gfl"].items() if name.split(".")[0] not in parts} | stored[model]


@pytest.mark.parametrize("model", MODELS)
def test_every_name_has_its_counterpart_of_the_same_shape_both_ways(model: str) -> None:
    config = composed(*FULL_SIZE, *MODELS[model])
    with torch.device("meta"):
        detector = build_detector(config, 80, seed=0)
    ours = {name: list(value.shape) for name, value in detector.state_dict().items()}
    assert from_reference(published_shapes(model)) == ours
    assert to_reference(ours, family_of(config.detector.name, ours)) == published_shapes(model)


def test_a_parameter_of_another_detector_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"bbox_head.fc_cls.weight has no counterpart"):
        from_reference({"bbox_head.fc_cls.weight": torch.zeros(1)})


@pytest.mark.parametrize("model", MODELS)
def test_the_options_told_from_a_file_build_its_detector(model: str) -> None:
    shapes = {name: tuple(shape) for name, shape in published_shapes(model).items()}
    other = [*FULL_SIZE, "detector=reppoints_v2", "guidance=none"]
    mend = as_overrides(differing(options_of(shapes, TEXTS.get(model, ""), "reppoints_v2"), composed(*other)))
    assert composed(*other, *mend.split()) == composed(*FULL_SIZE, *MODELS[model])


def nano(*options: str, classes: int = 5, seed: int = 0) -> Detector:
    return build_detector(composed(*NANO, *options), classes, seed)


def published(detector: Detector, text: str = "", **extra: Any) -> dict[str, Any]:
    state = to_reference(detector.state_dict(), family_of(detector.config.name, detector.state_dict()))
    return {"meta": {"config": text, "CLASSES": ("a", "b"), "epoch": 12}, "state_dict": state, **extra}


def weights_of(detector: Detector) -> dict[str, Tensor]:
    return {name: value for name, value in detector.state_dict().items() if "num_batches" not in name}


def load(path: Path, *options: str, classes: int = 5) -> Detector:
    detector = nano(*options, classes=classes, seed=1)
    load_weights(detector, path, composed(*NANO, *options))
    return detector


def refusal(path: Path, *options: str, classes: int = 5) -> str:
    with pytest.raises(CheckpointError) as refused:
        load(path, *options, classes=classes)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("as_zip", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_published_file_gives_its_weights_whatever_is_beside_them(tmp_path: Path, prefix: str, as_zip: bool) -> None:
    given = nano(*GFL)
    state = published(given)
    tensors = {prefix + name: x for name, x in state["state_dict"].items() if not name.endswith("num_batches_tracked")}
    state["state_dict"] = tensors | {"data_preprocessor.mean": torch.zeros(3)}
    torch.save(state, tmp_path / "gfl.pth", _use_new_zipfile_serialization=as_zip)
    found = load(tmp_path / "gfl.pth", *GFL)
    torch.testing.assert_close(weights_of(found), weights_of(given), rtol=0, atol=0)


def test_names_of_the_first_mmdetection_are_known(tmp_path: Path) -> None:
    given, options = nano(*MODELS["fcos_plain"]), MODELS["fcos_plain"]
    state = published(given)["state_dict"]
    early = {name.replace("head.conv_", "head.fcos_"): x for name, x in state.items()}
    torch.save({"state_dict": early}, tmp_path / "fcos.pth")
    torch.testing.assert_close(weights_of(load(tmp_path / "fcos.pth", *options)), weights_of(given), rtol=0, atol=0)


def test_weights_of_another_detector_are_refused_with_counts_names_and_the_mend(tmp_path: Path) -> None:
    torch.save(published(nano(*MODELS["retinanet"])), tmp_path / "retinanet.pth")
    message = refusal(tmp_path / "retinanet.pth", *GFL)
    assert message.startswith(f"{tmp_path / 'retinanet.pth'}: these weights do not fit this detector")
    assert "14 missing (bbox_head.cls_convs.0.gn.weight, bbox_head.cls_convs.0.gn.bias, " in message
    assert "6 unexpected (bbox_head.cls_convs.0.conv.bias, bbox_head.reg_convs.0.conv.bias, " in message
    assert message.endswith(": set detector=retinanet_a9 quality=none box=dirac")


def test_equal_shapes_of_another_head_are_not_taken_for_a_fit(tmp_path: Path) -> None:
    torch.save(published(nano(*MODELS["fcos_plain"])), tmp_path / "fcos.pth")
    assert refusal(tmp_path / "fcos.pth", *MODELS["atss"]).endswith(": set detector=fcos_plain")


def test_another_backbone_is_refused_with_the_mend(tmp_path: Path) -> None:
    deformable = ["backbone.deformable_stages=[3,4]", "backbone.modulated=false"]
    torch.save(published(nano(*GFL, "backbone.depth=101", *deformable)), tmp_path / "gfl.pth")
    message = refusal(tmp_path / "gfl.pth", *GFL)
    assert message.endswith(f": set backbone.depth=101 {' '.join(deformable)}")
    assert "bbox_head" not in message
    load(tmp_path / "gfl.pth", *GFL, "backbone.depth=101", *deformable)


@pytest.mark.parametrize("model", ["gfl", "fcos_full", "retinanet", "vfnet"])
def test_other_classes_are_counted(tmp_path: Path, model: str) -> None:
    torch.save(published(nano(*MODELS[model], classes=8)), tmp_path / "file.pth")
    message = refusal(tmp_path / "file.pth", *MODELS[model])
    assert message == f"{tmp_path / 'file.pth'}: these weights have 8 classes, the data has 5"


@pytest.mark.parametrize(("text", "options", "mend"), [
    (TEXTS["paa"], MODELS["atss"], "detector=paa quality=iou_branch"),
    (TEXTS["atss"], MODELS["paa"], "detector=atss quality=centerness_branch"),
    ("style='caffe'", MODELS["atss"], "backbone.style=caffe"),
    ("dict(mean=[103.530, 116.280, 123.675], std=[1.0, 1.0, 1.0])", MODELS["atss"], "data.pixels=caffe"),
    ("dict(mean=[123.675, 116.28, 103.53], std=[1, 1, 1])", MODELS["ssd512"], "data.pixels=centred"),
    ("mean=[102.9801, 115.9465, 122.7717],\n  std=[1.0, 1.0, 1.0]", MODELS["atss"], "data.pixels=detectron"),
])  # fmt: skip
def test_what_no_shape_shows_is_read_from_the_file_s_own_configuration(
    tmp_path: Path, text: str, options: list[str], mend: str
) -> None:
    torch.save(published(nano(*options), text), tmp_path / "file.pth")
    message = refusal(tmp_path / "file.pth", *options)
    assert message.endswith(f"they were trained for options that their shapes do not show: set {mend}")
    load(tmp_path / "file.pth", *options, *mend.split())


def test_a_detector_that_mmdetection_does_not_have_says_so(tmp_path: Path) -> None:
    torch.save(published(nano(*GFL)), tmp_path / "gfl.pth")
    assert "has no weights for detector=borderdet" in refusal(tmp_path / "gfl.pth", "detector=borderdet", *CENTERNESS)


@pytest.mark.parametrize("text", ["", "style='caffe'"])
def test_a_file_with_a_program_s_objects_is_refused_with_the_command_that_leaves_weights_and_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    module = ModuleType("history")
    module.Buffer = type("Buffer", (), {"__module__": "history"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "history", module)
    path = tmp_path / "epoch_12.pth"
    torch.save(published(nano(*GFL), text, message_hub=module.Buffer()), path)
    message = refusal(path, *GFL)
    assert "holds more than tensors, numbers and text (history.Buffer)" in message
    exec(message.split('python -c "')[1].split('"')[0])
    assert message.endswith(f"give {tmp_path / 'epoch_12-weights.pth'}")
    if text:
        assert refusal(tmp_path / "epoch_12-weights.pth", *GFL).endswith(": set backbone.style=caffe")
    load(tmp_path / "epoch_12-weights.pth", *GFL, *(["backbone.style=caffe"] if text else []))


def test_a_file_without_its_configuration_is_loaded_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for text, told in (("", True), ("style='pytorch'", False)):
        caplog.clear()
        torch.save(published(nano(*GFL), text), tmp_path / "file.pth")
        load(tmp_path / "file.pth", *GFL)
        assert ("nothing checks whether" in caplog.text) is told


@pytest.mark.parametrize("state", [{"state_dict": {}}, {"state_dict": {"a": 1}}, {"weights": torch.zeros(1)}])
def test_other_dictionaries_are_neither_ours_nor_published(tmp_path: Path, state: dict[str, Any]) -> None:
    torch.save(state, tmp_path / "other.pth")
    message = refusal(tmp_path / "other.pth", *GFL)
    assert "not a checkpoint of this version of gfl_bench (format 1), nor one of mmdetection's" in message
