"""A whole PAA with mmdetection's weights gives mmdetection's numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from detectors import CLASSES, NANO, stored_batch
from reference import GOLDENS, golden
from torch import Tensor

from gfl_bench.config.compose import compose_config
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.reference_names import from_reference

PUBLISHED = ["detector=paa", "quality=iou_branch", "box=dirac", "guidance=none"]
SITUATIONS = {"train": (True, True), "train_empty1": (True, False), "train_emptyall": (False, False)}
THEIRS = {"loss_cls": "loss_cls", "loss_aux": "loss_iou", "loss_box": "loss_bbox"}


def stored_paa() -> tuple[Detector, dict[str, Any]]:
    """mmdetection's weights in our detector, and what mmdetection said."""
    stored = golden("nano_images") | golden("paa_nano")
    detector = build_detector(compose_config([*PUBLISHED, *NANO]), CLASSES, seed=0)
    weights = {key[2:]: torch.tensor(value).float() for key, value in stored.items() if key.startswith("w/")}
    detector.load_state_dict(from_reference(weights))
    return detector, stored


def maps(stored: dict[str, Any], number: int) -> Tensor:
    """[B, P, C] of the stored maps [B, C, H_l, W_l], which are float16."""
    levels = [torch.from_numpy(stored[f"head_out/{number}/{level}"]).float() for level in range(5)]
    return torch.cat([x.flatten(2).transpose(1, 2) for x in levels], dim=1)


def test_head_maps_are_the_references() -> None:
    detector, stored = stored_paa()
    with torch.no_grad():
        output = detector.eval()(stored_batch(stored).images)
    assert output.aux is not None
    for number, value in enumerate((output.cls, output.box.flatten(2), output.aux)):
        torch.testing.assert_close(value, maps(stored, number), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_loss_is_the_references(situation: str) -> None:
    detector, stored = stored_paa()
    batch = stored_batch(stored, SITUATIONS[situation])
    losses = detector.train().loss(detector(batch.images), batch)
    assert losses.keys() == THEIRS.keys()
    for name, value in losses.items():
        assert value.item() == pytest.approx(float(stored[f"{situation}/{THEIRS[name]}"]), rel=1e-5), name


def test_detections_are_the_references_class_by_class() -> None:
    detector, stored = stored_paa()
    batch = stored_batch(stored)
    with torch.no_grad():
        found = detector.predict(detector.eval()(batch.images), batch, rescale=False)
    for number, detections in enumerate(found):
        assert (detections.scores.diff() <= 0).all()
        order = detections.labels.argsort(stable=True)
        wanted = {part: torch.from_numpy(stored[f"pred/{number}/{part}"]) for part in ("bboxes", "scores", "labels")}
        assert torch.equal(detections.labels[order], wanted["labels"])
        torch.testing.assert_close(detections.scores[order], wanted["scores"], rtol=0, atol=1e-4)
        torch.testing.assert_close(detections.boxes[order], wanted["bboxes"], rtol=0, atol=1e-2)


def test_every_published_parameter_of_neck_and_head_has_one_of_ours() -> None:
    published = json.loads((GOLDENS / "state_dict_keys.json").read_text(encoding="utf-8"))["paa"]
    config = compose_config([*PUBLISHED, "scale=paper", "backbone.weights=null"])
    with torch.device("meta"):
        state = build_detector(config, 80, seed=0).state_dict()
    ours = {name: list(value.shape) for name, value in state.items() if not name.startswith("backbone.")}
    assert from_reference(published) == ours
