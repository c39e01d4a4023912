"""Every detector can learn eight images by heart: its assignment, losses, boxes and scores pull the same way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from detectors import random_batch
from test_every_detector import GFOCAL, OWN, composed, total
from torch import Tensor

from gfl_bench.evaluate.coco import evaluate
from gfl_bench.evaluate.detections import to_coco
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch

CLASSES, SIZE, STEPS = 3, 96, 150
CATEGORIES = list(range(1, CLASSES + 1))


def painted() -> Batch:
    """Eight images of two rectangles side by side, in the colour of their class."""
    batch, random = random_batch(0, [2] * 8, SIZE, SIZE), torch.Generator().manual_seed(0)
    batch.sizes[:], batch.padded_sizes[:] = SIZE, SIZE
    truths = batch.instances
    extent = torch.randint(20, 44, (16, 2), generator=random)
    corner = (torch.rand(16, 2, generator=random) * (torch.tensor([SIZE // 2, SIZE]) - extent)).round()
    corner[1::2, 0] += SIZE // 2
    truths.boxes, truths.labels = torch.cat([corner, corner + extent], dim=1), truths.labels % CLASSES
    batch.images *= 0.1
    for image, label, box in zip(truths.image, truths.labels, truths.boxes.int(), strict=True):
        batch.images[image, label, box[1] : box[3], box[0] : box[2]] += 2
    return batch


def learn(detector: Detector, batch: Batch) -> None:
    optimizer = torch.optim.AdamW(detector.parameters(), lr=2e-3)
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1, (step + 1) / 20, 2 * (STEPS - step) / STEPS)
        optimizer.zero_grad()
        total(detector.loss(detector(batch.images), batch)).backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), 5)
        optimizer.step()


def boxes_of(batch: Batch) -> list[dict[str, object]]:
    def entry(number: int, image: int, label: int, box: Tensor) -> dict[str, object]:
        left, top, right, bottom = box.tolist()
        sides = [left, top, right - left, bottom - top]
        return {"id": number + 1, "image_id": image, "category_id": CATEGORIES[label], "bbox": sides,
                "area": sides[2] * sides[3], "iscrowd": 0}  # fmt: skip

    truths = batch.instances
    each = zip(truths.image.tolist(), truths.labels.tolist(), truths.boxes, strict=True)
    return [entry(number, *one) for number, one in enumerate(each)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parts"), [*OWN.items(), ("atss", GFOCAL)])
def test_eight_images_are_learnt_to_ap50_above_95(name: str, parts: str, tmp_path: Path) -> None:
    detector, batch = build_detector(composed(name, parts), CLASSES, seed=0).train(), painted()
    learn(detector, batch)
    with torch.no_grad():
        found = detector.predict(detector.eval()(batch.images), batch)
    images = [{"id": image, "width": SIZE, "height": SIZE} for image in batch.image_ids]
    categories = [{"id": number, "name": str(number)} for number in CATEGORIES]
    truth = {"images": images, "annotations": boxes_of(batch), "categories": categories}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    detections = [one for image, boxes in enumerate(found) for one in to_coco(boxes, image, CATEGORIES)]
    scores = evaluate(tmp_path / "truth.json", detections)
    assert scores["AP50"] is not None and scores["AP50"] > 95, scores
