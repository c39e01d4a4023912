"""Whole GFL, GFLv2 and ATSS detectors with mmdetection's weights give mmdetection's numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from detectors import FAMILIES, stored_batch, stored_detector
from torch import Tensor

from gfl_bench.config.schema import Ranking
from gfl_bench.models.detector import Detector
from gfl_bench.models.reference_names import Family, to_reference

THEIRS = {
    "loss_quality": "loss_cls", "loss_cls": "loss_cls", "loss_aux": "loss_centerness", "loss_box": "loss_bbox",
    "loss_dfl": "loss_dfl",
}  # fmt: skip
SITUATIONS = {
    "train": (True, True), "train_empty1": (True, False), "train_emptyall": (False, False),
    "train_lowscore(cls.bias-4)": (True, True),
}  # fmt: skip


PREFIXES: dict[str, Family] = {  # of the last convolutions, where it is not the model's own name
    "gflv2": "gfl", "gfl": "gfl", "atss": "atss", "fcos_full": "conv", "fcos_plain": "conv", "foveabox": "conv",
    "retinanet": "retina",
}  # fmt: skip
WITH_GRADIENTS = ["gfl", "gflv2", "atss"]  # stored for these, and rescaled detections too
KINDS = {"cls": 0, "reg": 1, "ctr": 2}  # of head maps; some files number them


def reference_maps(stored: dict[str, Any], kind: str, channels: int) -> Tensor:
    """[B, P, channels] of the stored maps [B, A * channels, H_l, W_l]."""
    place = kind if f"head_out/{kind}/0" in stored else KINDS[kind]
    maps = [torch.from_numpy(stored[f"head_out/{place}/{level}"]).float() for level in range(5)]
    return torch.cat([x.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, channels)) for x in maps], dim=1)


def losses(detector: Detector, stored: dict[str, Any], situation: str) -> dict[str, Tensor]:
    detector.train()
    batch = stored_batch(stored, SITUATIONS[situation])
    if "lowscore" in situation:
        with torch.no_grad():
            assert detector.head.cls.bias is not None
            detector.head.cls.bias -= 4
    return detector.loss(detector(batch.images), batch)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("family", FAMILIES)
def test_head_maps_are_the_references(family: str, memory: torch.memory_format) -> None:
    detector, stored = stored_detector(family)
    images = stored_batch(stored).images.to(memory_format=memory)
    with torch.no_grad():
        output = detector.eval().to(memory_format=memory)(images)
    ours = {"reg": output.box.flatten(2), "cls": output.cls, "ctr": output.aux}
    if family.startswith("fcos"):  # mmdetection's FCOS head gives distances in pixels
        priors = detector.priors(stored_batch(stored))
        ours["reg"] = detector.box.mean(output.box, priors) * priors.stride[:, None]
    if output.guide is not None:  # mmdetection's GFLv2 head gives the joint probability
        ours["cls"] = detector.quality.score(output)
    for kind, value in ours.items():
        if value is not None:
            wanted = reference_maps(stored, kind, value.shape[2])
            torch.testing.assert_close(value, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("family", "situation"),
    [(family, situation) for family in FAMILIES for situation in SITUATIONS
     if "lowscore" not in situation or PREFIXES[family] == "gfl"],  # the others have no floor that low scores reach
)  # fmt: skip
def test_every_loss_is_the_references(family: str, situation: str) -> None:
    detector, stored = stored_detector(family)
    found = losses(detector, stored, situation)
    wanted = {name for name in ("loss_cls", "loss_bbox", "loss_dfl", "loss_centerness")
              if f"{situation}/{name}" in stored}  # fmt: skip
    assert {THEIRS[name] for name in found} == wanted
    for name, value in found.items():
        assert value.item() == pytest.approx(float(stored[f"{situation}/{THEIRS[name]}"]), rel=1e-5), name


@pytest.mark.parametrize("family", WITH_GRADIENTS)
def test_gradients_are_the_references(family: str) -> None:
    detector, stored = stored_detector(family)
    torch.stack(list(losses(detector, stored, "train").values())).sum().backward()
    ours = to_reference(dict(detector.named_parameters()), PREFIXES[family])
    norms = json.loads(str(stored["train/grad_norms_json"]))
    assert norms.keys() == ours.keys()
    for name, norm in norms.items():
        gradient = ours[name].grad
        assert (gradient is None) == (norm is None), name
        if gradient is not None:
            assert gradient.norm().item() == pytest.approx(norm, rel=1e-4, abs=1e-6), name
    for key, value in stored.items():
        name = key.removeprefix("train/grad/")
        if name in ours:
            torch.testing.assert_close(ours[name].grad, torch.from_numpy(value), rtol=1e-4, atol=1e-6)
    factors = [ours[f"bbox_head.scales.{level}.scale"].grad for level in range(5)]
    torch.testing.assert_close(
        torch.stack([x for x in factors if x is not None]), torch.from_numpy(stored["train/grad/bbox_head.scales"]),
        rtol=1e-4, atol=1e-6,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("family", "rank", "key"),
    [(family, Ranking.pairs, "pred") for family in FAMILIES]
    + [(family, Ranking.locations, "pred_mmdet2style") for family in ("gfl", "gflv2")],  # ATSS's were not stored
)
def test_detections_are_the_references(family: str, rank: Ranking, key: str) -> None:
    detector, stored = stored_detector(family)
    detector.config.postprocess.rank = rank
    batch = stored_batch(stored)
    with torch.no_grad():
        found = detector.predict(detector.eval()(batch.images), batch, rescale=False)
    for number, detections in enumerate(found):
        wanted = {part: torch.from_numpy(stored[f"{key}/{number}/{part}"]) for part in ("bboxes", "scores", "labels")}
        assert len(detections.scores) == len(wanted["scores"])
        assert torch.equal(detections.labels, wanted["labels"])
        torch.testing.assert_close(detections.scores, wanted["scores"], rtol=0, atol=1e-4)
        torch.testing.assert_close(detections.boxes, wanted["bboxes"], rtol=0, atol=1e-2)


@pytest.mark.parametrize("family", WITH_GRADIENTS)
def test_rescaled_detections_are_the_references(family: str) -> None:
    detector, stored = stored_detector(family)
    batch = stored_batch(stored)
    batch.scale_factors = torch.from_numpy(stored["pred_rescale/scale_factor_wh"]).float().repeat(2, 1)
    with torch.no_grad():
        detections = detector.predict(detector.eval()(batch.images), batch)[0]
    torch.testing.assert_close(detections.boxes, torch.from_numpy(stored["pred_rescale/0/bboxes"]), rtol=0, atol=1e-2)
    torch.testing.assert_close(detections.scores, torch.from_numpy(stored["pred_rescale/0/scores"]), rtol=0, atol=1e-4)
