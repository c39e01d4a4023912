"""A whole VFNet with mmdetection's weights gives mmdetection's numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from detectors import CLASSES, NANO, stored_batch
from reference import golden
from torch import Tensor

from gfl_bench.config.compose import compose_config
from gfl_bench.models.build import build_detector
from gfl_bench.models.detectors.vfnet.detector import VFNet
from gfl_bench.models.reference_names import from_reference

PUBLISHED = [
    "detector=vfnet", "quality=joint", "quality.loss=varifocal", "quality.box_weight=iou", "box=dirac", "guidance=none",
]  # fmt: skip
SITUATIONS = {"train": (True, True), "train_empty1": (True, False), "train_emptyall": (False, False)}
THEIRS = {"loss_quality": "loss_cls", "loss_init": "loss_bbox", "loss_box": "loss_bbox_rf"}


def stored_vfnet() -> tuple[VFNet, dict[str, Any]]:
    """mmdetection's weights in our detector, and what mmdetection said."""
    stored = golden("nano_images") | golden("vfnet_nano")
    weights = {key[2:]: torch.tensor(value).float() for key, value in stored.items() if key.startswith("w/")}
    detector = build_detector(compose_config([*PUBLISHED, *NANO]), CLASSES, seed=0)
    assert isinstance(detector, VFNet)
    detector.load_state_dict(from_reference(weights))
    return detector, stored


def maps(stored: dict[str, Any], number: int) -> Tensor:
    """[B, P, C] of the stored maps [B, C, H_l, W_l], which are float16."""
    levels = [torch.from_numpy(stored[f"head_out/{number}/{level}"]).float() for level in range(5)]
    return torch.cat([x.flatten(2).transpose(1, 2) for x in levels], dim=1)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_head_maps_are_the_references(memory: torch.memory_format) -> None:
    detector, stored = stored_vfnet()
    batch = stored_batch(stored)
    batch.images = batch.images.to(memory_format=memory)
    with torch.no_grad():
        output = detector.eval().to(memory_format=memory)(batch.images)
    priors = detector.priors(batch)
    pixels = detector.box.mean(output.box, priors) * output.refinement * priors.stride[:, None]
    torch.testing.assert_close(output.cls, maps(stored, 0), rtol=6e-4, atol=1e-4)  # float16 has 11 bits
    torch.testing.assert_close(pixels, maps(stored, 1), rtol=6e-4, atol=1e-3)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_loss_is_the_references(situation: str) -> None:
    detector, stored = stored_vfnet()
    batch = stored_batch(stored, SITUATIONS[situation])
    found = detector.train().loss(detector(batch.images), batch)
    assert found.keys() == THEIRS.keys()
    for name, value in found.items():
        assert value.item() == pytest.approx(float(stored[f"{situation}/{THEIRS[name]}"]), rel=1e-5), name


def test_detections_are_the_references() -> None:
    detector, stored = stored_vfnet()
    batch = stored_batch(stored)
    with torch.no_grad():
        found = detector.predict(detector.eval()(batch.images), batch, rescale=False)
    for number, detections in enumerate(found):
        wanted = {part: torch.from_numpy(stored[f"pred/{number}/{part}"]) for part in ("bboxes", "scores", "labels")}
        assert torch.equal(detections.labels, wanted["labels"])
        torch.testing.assert_close(detections.scores, wanted["scores"], rtol=0, atol=1e-4)
        torch.testing.assert_close(detections.boxes, wanted["bboxes"], rtol=0, atol=1e-1)
