"""What displacements cost: AP50 of rankings that a detector did not choose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detectors import CLASSES, nano, random_batch

from gfl_bench.config.compose import compose_config
from gfl_bench.evaluate.coco import evaluate
from gfl_bench.evaluate.detections import to_coco
from gfl_bench.evaluate.displacement import DisplacementMeter, meter
from gfl_bench.evaluate.displacement.candidates import rivals_of
from gfl_bench.evaluate.displacement.pairs import displacements
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, HeadOutput

BRANCHES = [("centerness_branch", "none"), ("iou_branch", "none"), ("joint", "distribution")]


def said(quality: str, guidance: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Detector, Batch, HeadOutput]:
    """A detector that sees something: a third of the boxes lie about an object, most of these by its class."""
    detector = build_detector(nano(quality, "general_dfl", guidance), CLASSES, seed=1)
    batch = random_batch(0, [6, 0, 9, 5])
    batch.image_ids = [3, 5, 8, 9]
    noise, truth = torch.Generator().manual_seed(2), batch.instances
    with torch.no_grad():
        output = noisy(detector(batch.images), noise)
    corner = torch.rand((*output.cls.shape[:2], 2), generator=noise) * 90
    boxes = torch.cat([corner, corner + 8 + torch.rand(corner.shape, generator=noise) * 30], dim=-1)
    owner = torch.randint(len(truth), boxes.shape[:2], generator=noise)
    sees = (truth.image[owner] == torch.arange(len(boxes))[:, None]) & (torch.rand(owner.shape, generator=noise) < 0.3)
    size = (truth.boxes[:, 2:] - truth.boxes[:, :2]).repeat(1, 2)
    jitter = truth.boxes[owner] + 0.12 * torch.randn(boxes.shape, generator=noise) * size[owner]
    boxes[sees] = jitter[sees]
    output.cls[sees, truth.labels[owner[sees]]] += 2
    monkeypatch.setattr(detector, "decode", lambda output, row, priors: boxes.flatten(0, 1)[row])
    return detector, batch, output


@pytest.mark.parametrize(("quality", "guidance"), BRANCHES)
def test_ap50_of_the_actual_ranking_is_pycocotools_of_the_run_s_own_detections(
    quality: str, guidance: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "_FIRST", 2)  # so that NMS has to look at all now and then
    detector, batch, output = said(quality, guidance, monkeypatch)
    observer, found = DisplacementMeter(), detector.predict(output, batch)
    observer.see(detector, output, batch, found)
    pairs = zip(found, batch.image_ids, strict=True)
    results = [row for one, number in pairs for row in to_coco(one, number, range(1, CLASSES + 1))]
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(annotations(batch)))
    ap50 = evaluate(path, results)["AP50"]
    objects = np.bincount(batch.instances.labels.numpy())
    assert ap50 is not None and 10 < ap50 < 90
    assert observer._rankings["actual"].value(objects) == pytest.approx(ap50, abs=0.01)  # results are rounded
    assert observer.to_dict()["separate"] == int(guidance == "none")


def noisy(output: HeadOutput, noise: torch.Generator) -> HeadOutput:
    """``output``, its class scores and qualities at random."""
    output.cls += 1.5 + torch.randn(output.cls.shape, generator=noise)
    if output.aux is not None:
        output.aux += torch.randn(output.aux.shape, generator=noise)
    if output.guide is not None:
        output.guide *= torch.rand(output.guide.shape, generator=noise)
    return output


def annotations(batch: Batch) -> dict[str, Any]:
    truth = batch.instances
    boxes = torch.cat([truth.boxes[:, :2], truth.boxes[:, 2:] - truth.boxes[:, :2]], dim=1).double().tolist()
    rows = zip(boxes, truth.labels.tolist(), truth.image.tolist(), strict=True)
    return {
        "images": [{"id": number} for number in batch.image_ids],
        "categories": [{"id": number} for number in range(1, CLASSES + 1)],
        "annotations": [{"image_id": batch.image_ids[i], "category_id": c + 1, "bbox": b} for b, c, i in rows],
    }


@pytest.mark.parametrize(("quality", "guidance"), BRANCHES)
def test_a_quality_that_is_everywhere_the_same_displaces_nothing(
    quality: str, guidance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector, batch, output = said(quality, guidance, monkeypatch)
    even = {name: None if getattr(output, name) is None else torch.full_like(getattr(output, name), 0.5)
            for name in ("aux", "guide")}  # fmt: skip
    observer = DisplacementMeter()
    observer.see(detector, replace(output, **even), batch, [])
    result = observer.to_dict()
    assert result["displaced"] and result["by_quality"] == result["leading_by_quality"] == 0
    assert result["ap50_cost"] == result["leading_ap50_cost"] == 0
    assert result["ap50_class_alone"] == pytest.approx(0, abs=1e-9)
    assert (result["ap50_true_iou"] or 0) > 0


@pytest.mark.parametrize("quality", ["none", "iou_guided", "joint"])
def test_a_score_without_a_factor_has_nothing_to_report(quality: str, monkeypatch: pytest.MonkeyPatch) -> None:
    detector, batch, output = said(quality, "none", monkeypatch)
    observer = DisplacementMeter()
    observer.see(detector, output, batch, detector.predict(output, batch))
    assert observer.to_dict() == {}


@pytest.mark.parametrize(("detector", "quality", "guidance"), [
    ("fcos", "centerness_branch", "none"), ("paa", "iou_branch", "none"), ("borderdet", "centerness_branch", "none"),
    ("atss", "joint", "distribution"), ("borderdet", "joint", "distribution"),
])  # fmt: skip
def test_the_score_rises_with_class_score_and_quality(detector: str, quality: str, guidance: str) -> None:
    box = "dirac" if guidance == "none" else "general_dfl"
    options = [f"detector={detector}", f"quality={quality}", f"box={box}", f"guidance={guidance}"]
    built = build_detector(compose_config(["scale=smoke", *options]), CLASSES, seed=0).eval()
    batch = random_batch(0, [6, 4])
    with torch.no_grad():
        output = noisy(built(batch.images), torch.Generator().manual_seed(3))
    for _, rivals, _ in rivals_of(built, output, batch):
        some = rivals[torch.arange(0, len(rivals.label), 2)]
        pairs = displacements(some, some)
        assert pairs.by_quality.any() and pairs.by_class.any() and not (pairs.by_quality & pairs.by_class).any()
