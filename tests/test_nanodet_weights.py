"""The original NanoDet's weights become ours, and give its authors' AP on photographs of COCO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference import GOLDENS
from test_published_checkpoints import composed, weights_of
from torch import Tensor

from gfl_bench.data.coco import CocoDataset, Split
from gfl_bench.data.loader import eval_batches
from gfl_bench.data.transforms import evaluation_transform
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.engine.state import load_weights
from gfl_bench.evaluate.coco import statistics
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.nanodet_names import from_nanodet, in_use, is_nanodet, to_nanodet
from gfl_bench.models.reference_names import UnknownNameError

SHARED = Path(__file__).parents[2] / "shared"
WEIGHTS, PHOTOGRAPHS = SHARED / "weights", SHARED / "data" / "coco_permissive"
needs_weights = pytest.mark.skipif(not WEIGHTS.is_dir(), reason="needs ../shared/weights")
FULL_SIZE = ["cell=table15.nanodet_320", "scale=paper", "backbone.weights=null"]
SMALL = ["cell=table15.nanodet_320", "scale=smoke"]


def stored_shapes() -> dict[str, list[int]]:
    return json.loads((GOLDENS / "nanodet_keys.json").read_text(encoding="utf-8"))


def published(detector: Detector) -> dict[str, Tensor]:
    """What the original would write of such a detector, with the layers that it never calls."""
    state = to_nanodet(weights_of(detector))
    norms = {f"{name.removesuffix('running_mean')}num_batches_tracked": torch.tensor(7)
             for name in state if name.endswith("running_mean")}  # fmt: skip
    idle = {f"model.head.gfl_reg.{level}.{kind}": torch.zeros(4, *[1] * rank)
            for level in range(3) for kind, rank in (("weight", 3), ("bias", 0))}  # fmt: skip
    return state | norms | idle


def small(seed: int, *options: str, classes: int = 5) -> Detector:
    return build_detector(composed(*SMALL, *options), classes, seed)


def load(path: Path, *options: str, classes: int = 5) -> Detector:
    detector = small(1, *options, classes=classes)
    load_weights(detector, path, composed(*SMALL, *options))
    return detector


def refusal(path: Path, *options: str, classes: int = 5) -> str:
    with pytest.raises(CheckpointError) as refused:
        load(path, *options, classes=classes)
    assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
    return str(refused.value)


def test_every_name_has_its_counterpart_of_the_same_shape_both_ways() -> None:
    with torch.device("meta"):
        ours = build_detector(composed(*FULL_SIZE), 80, seed=0).state_dict()
        theirs = in_use({name: torch.empty(shape) for name, shape in stored_shapes().items()})
    kept = {name: x for name, x in theirs.items() if not name.endswith("num_batches_tracked")}
    wanted = {name: x.shape for name, x in ours.items() if not name.endswith("num_batches_tracked")}
    assert {name: x.shape for name, x in from_nanodet(kept).items()} == wanted
    back = to_nanodet({name: ours[name] for name in wanted})
    assert {name: x.shape for name, x in back.items()} == {name: x.shape for name, x in kept.items()}
    idle = stored_shapes().keys() - theirs.keys()
    assert len(idle) == 6 and all(name.startswith("model.head.gfl_reg.") for name in idle)


def test_class_rows_come_before_those_of_the_sides() -> None:
    joined = torch.arange(112.0)
    project = torch.arange(8.0)
    found = from_nanodet({"model.head.gfl_cls.1.bias": joined, "model.head.distribution_project.project": project})
    assert torch.equal(found["head.levels.1.cls.bias"], joined[:80])
    assert torch.equal(found["head.levels.1.box.bias"], joined[80:])


def test_averaged_weights_win_over_those_of_the_last_step() -> None:
    state = {"model.a": torch.zeros(1), "avg_model.a": torch.ones(1), "model.head.gfl_reg.0.bias": torch.zeros(1)}
    assert is_nanodet(state) and in_use(state) == {"model.a": torch.ones(1)}


def test_a_name_of_another_detector_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"model.aux_head.x has no counterpart"):
        from_nanodet({"model.aux_head.x": torch.zeros(1)})


@pytest.mark.parametrize("kind", ["npz", "pth", "averaged"])
def test_a_file_of_either_kind_gives_its_weights(tmp_path: Path, kind: str) -> None:
    given = small(0)
    state: dict[str, Any] = published(given)
    path = tmp_path / f"nanodet.{'npz' if kind == 'npz' else 'pth'}"
    if kind == "npz":
        np.savez(path, **{name: value.numpy() for name, value in state.items()})
    else:
        averaged = {f"avg_{name}": value for name, value in state.items()} if kind == "averaged" else {}
        last = {name: value * 0 for name, value in state.items()} if averaged else state
        torch.save({"state_dict": last | averaged, "epoch": 280, "pytorch-lightning_version": "1.3"}, path)
    torch.testing.assert_close(weights_of(load(path)), weights_of(given), rtol=0, atol=0)


def test_a_file_that_does_not_fit_is_refused_with_its_first_names_and_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "nanodet.pth"
    torch.save({"state_dict": published(small(0))}, path)
    assert refusal(path, classes=6) == f"{path}: these weights have 5 classes, the data has 6"
    assert refusal(path, "box.n=8").endswith(": set box.n=7")
    assert refusal(path, "neck=fpn").endswith(": set neck=pan, or give a checkpoint of gfl_bench")
    assert "set detector=nanodet neck=pan box.n=7, or give" in refusal(path, "detector=atss", "neck=fpn", "box.n=16")
    assert refusal(path, "data.pixels=torchvision", "data.resize=short_edge", "data.shift=0").endswith(
        "options that their shapes do not show: set data.resize=letterbox data.pixels=bgr"
    )
    message = refusal(path, "backbone.base_channels=12")
    assert "of another shape (model.backbone.stage2.0.branch1.2.weight [8, 24, 1, 1] for [12, 24, 1, 1], " in message
    assert message.endswith(": set backbone.base_channels=8")
    assert "the original NanoDet has no weights for detector=nanodet" in refusal(path, "quality=iou_branch")
    state = published(small(0))
    state["model.aux"] = state.pop("model.head.gfl_cls.1.bias")
    torch.save({"state_dict": state}, path)
    assert "1 missing (model.head.gfl_cls.1.bias), 1 unexpected (model.aux), 0 of another shape" in refusal(path)


def test_an_npz_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 cut short")
    assert "cannot be read; it is cut short, damaged or of another program" in refusal(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    assert "has no weights for detector=nanodet" in refusal(tmp_path / "other.npz")


@needs_weights
@pytest.mark.parametrize("name", ["nanodet_m", "nanodet_m_416"])
def test_the_published_files_fit_name_by_name(name: str) -> None:
    with np.load(WEIGHTS / f"{name}.npz") as stored:
        assert {key: list(value.shape) for key, value in stored.items()} == stored_shapes()
    config = composed(*FULL_SIZE)
    load_weights(build_detector(config, 80, seed=0), WEIGHTS / f"{name}.npz", config)


@needs_weights
@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("nanodet_m", 320), ("nanodet_m_416", 416)])
def test_the_published_weights_give_the_expected_ap_on_photographs(name: str, size: int) -> None:
    config = composed(*FULL_SIZE, f"data.size={size}")
    detector = build_detector(config, 80, seed=0)
    load_weights(detector, WEIGHTS / f"{name}.npz", config)
    split = Split(PHOTOGRAPHS / "images" / "val2017", PHOTOGRAPHS / "annotations" / "instances_val2017.json")
    images = CocoDataset(split, evaluation_transform(config.data), training=False)
    found: list[dict[str, Any]] = []
    for batch in eval_batches(images, batch_size=8, workers=0):
        with torch.inference_mode():
            detections = detector.eval().predict(detector(batch.images), batch)
        for image, one in zip(batch.image_ids, detections, strict=True):
            boxes = torch.cat([one.boxes[:, :2], one.boxes[:, 2:] - one.boxes[:, :2]], dim=1).tolist()
            each = zip(one.labels.tolist(), boxes, one.scores.tolist(), strict=True)
            found += [{"image_id": image, "category_id": images.category_ids[label], "bbox": box, "score": score}
                      for label, box, score in each]  # fmt: skip
    expected = json.loads((WEIGHTS / "expected_ap.json").read_text(encoding="utf-8"))[f"nanodet_m_{size}"]
    assert statistics(split.annotations, found) == pytest.approx(expected, abs=1e-4)
