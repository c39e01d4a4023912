"""Whole GFL, GFLv2 and ATSS detectors with mmdetection's weights give mmdetection's numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from detectors import FAMILIES, nano, stored_batch, stored_detector
from reference import GOLDENS
from torch import Tensor

from gfl_bench.config.schema import Ranking
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.reference_names import Family, UnknownNameError, from_reference, to_reference

THEIRS = {
    "loss_quality": "loss_cls", "loss_cls": "loss_cls", "loss_aux": "loss_centerness", "loss_box": "loss_bbox",
    "loss_dfl": "loss_dfl",
}  # fmt: skip
SITUATIONS = {
    "train": (True, True), "train_empty1": (True, False), "train_emptyall": (False, False),
    "train_lowscore(cls.bias-4)": (True, True),
}  # fmt: skip


def head_class(family: str) -> Family:
    """mmdetection's GFLv2 head names its convolutions as its GFL head does."""
    return "atss" if family == "atss" else "gfl"


def reference_maps(stored: dict[str, Any], kind: str) -> Tensor:
    """[B, P, C] of the stored maps [B, C, H_l, W_l]."""
    maps = [torch.from_numpy(stored[f"head_out/{kind}/{level}"]) for level in range(5)]
    return torch.cat([x.flatten(2).transpose(1, 2) for x in maps], dim=1)


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
    if output.guide is not None:  # mmdetection's GFLv2 head gives the joint probability
        ours["cls"] = detector.quality.score(output)
    for kind, value in ours.items():
        if value is not None:
            torch.testing.assert_close(value, reference_maps(stored, kind), rtol=0, atol=1e-4)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_loss_is_the_references(family: str, situation: str) -> None:
    detector, stored = stored_detector(family)
    if f"{situation}/loss_cls" not in stored:
        pytest.skip(f"mmdetection has no low-score clamp to show on {family}")
    found = losses(detector, stored, situation)
    wanted = {name for name in ("loss_cls", "loss_bbox", "loss_dfl", "loss_centerness")
              if f"{situation}/{name}" in stored}  # fmt: skip
    assert {THEIRS[name] for name in found} == wanted
    for name, value in found.items():
        assert value.item() == pytest.approx(float(stored[f"{situation}/{THEIRS[name]}"]), rel=1e-5), name


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_the_references(family: str) -> None:
    detector, stored = stored_detector(family)
    torch.stack(list(losses(detector, stored, "train").values())).sum().backward()
    ours = to_reference(dict(detector.named_parameters()), head_class(family))
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


@pytest.mark.parametrize(("rank", "key"), [(Ranking.pairs, "pred"), (Ranking.locations, "pred_mmdet2style")])
@pytest.mark.parametrize("family", FAMILIES)
def test_detections_are_the_references(family: str, rank: Ranking, key: str) -> None:
    detector, stored = stored_detector(family)
    if f"{key}/0/bboxes" not in stored:
        pytest.skip(f"no mmdetection 2 detections are stored for {family}")
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


@pytest.mark.parametrize("family", FAMILIES)
def test_rescaled_detections_are_the_references(family: str) -> None:
    detector, stored = stored_detector(family)
    batch = stored_batch(stored)
    batch.scale_factors = torch.from_numpy(stored["pred_rescale/scale_factor_wh"]).float().repeat(2, 1)
    with torch.no_grad():
        detections = detector.predict(detector.eval()(batch.images), batch)[0]
    torch.testing.assert_close(detections.boxes, torch.from_numpy(stored["pred_rescale/0/bboxes"]), rtol=0, atol=1e-2)
    torch.testing.assert_close(detections.scores, torch.from_numpy(stored["pred_rescale/0/scores"]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_published_parameter_has_one_of_ours_and_the_other_way_round(family: str) -> None:
    published = json.loads((GOLDENS / "state_dict_keys.json").read_text(encoding="utf-8"))[family]
    config = nano(*FAMILIES[family])
    config.backbone.depth, config.backbone.base_channels, config.neck.channels = 50, 64, 256  # type: ignore[attr-defined]
    config.detector.head.channels, config.detector.head.stacked_convs = 256, 4
    with torch.device("meta"):
        state = build_detector(config, 80, seed=0).state_dict()
    shapes = {name: list(value.shape) for name, value in state.items()}
    assert from_reference(published) == shapes
    assert to_reference(shapes, head_class(family)) == published


def test_a_parameter_of_another_detector_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"bbox_head.conv_centerness.weight has no counterpart"):
        from_reference({"bbox_head.conv_centerness.weight": torch.zeros(1)})
