"""How unsure a ground truth's sides are follows it from its annotation to the batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gfl_bench.config.schema import DataConfig, Scenes
from gfl_bench.data.coco import CocoDataset, Split
from gfl_bench.data.loader import collate, eval_batches, prepare
from gfl_bench.data.transforms import evaluation_transform, training_transform
from gfl_bench.engine.accumulation import split as parts_of

SIGMA = [1.0, 2.0, 3.0, 4.0]  # l, t, r, b


def written(folder: Path, sigmas: list[Any]) -> Split:
    """An image of 60 x 40 pixels with a box for each of ``sigmas``; None: its annotation has none."""
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(folder / "0.png")
    annotations = [
        {"id": number, "image_id": 7, "category_id": 1, "bbox": [5 + number, 5, 20, 20], "area": 400, "iscrowd": 0}
        | ({} if sigma is None else {"sigma": sigma})
        for number, sigma in enumerate(sigmas, start=1)
    ]
    image = {"id": 7, "file_name": "0.png", "width": 60, "height": 40}
    content = {"images": [image], "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "set.json").write_text(json.dumps(content))
    return Split(folder, folder / "set.json")


def test_resizing_scales_sigma_along_its_side_and_a_flip_swaps_left_and_right(tmp_path: Path) -> None:
    split, data = written(tmp_path, [SIGMA, [0.5, 0, 0, 8]]), DataConfig(name="any", size=100, max_size=140, flip=1.0)
    scale = torch.tensor([140 / 60, 93 / 40])  # width, height: 93.3 is rounded
    plain = CocoDataset(split, evaluation_transform(data), training=False)[0]
    torch.testing.assert_close(plain.scale_factor, scale)
    assert plain.sigma is not None
    torch.testing.assert_close(plain.sigma, torch.tensor([SIGMA, [0.5, 0, 0, 8]]) * scale.repeat(2))
    flipped = CocoDataset(split, training_transform(data), training=True)[0]
    assert flipped.sigma is not None
    torch.testing.assert_close(flipped.sigma, plain.sigma[:, [2, 1, 0, 3]])
    assert type(flipped.sigma) is torch.Tensor


@pytest.mark.parametrize("strange", [None, [1, 2, 3], 0.79, [1, 2, 3, -1], [1, 2, 3, float("nan")], "four"])
def test_sigma_is_unknown_where_one_annotation_has_none_that_can_be_meant(tmp_path: Path, strange: object) -> None:
    data = evaluation_transform(DataConfig(name="any", size=40))
    sample = CocoDataset(written(tmp_path, [SIGMA, strange]), data, training=False)[0]
    assert len(sample.boxes) == 2 and sample.sigma is None
    assert collate([sample]).instances.sigma is None


def test_scenes_carry_the_sigma_of_each_ground_truth_through_batches_and_their_parts(tmp_path: Path) -> None:
    data = Scenes(size=96, train_images=1, val_images=5)
    split = prepare(data, tmp_path)["val"]
    batch = next(eval_batches(CocoDataset(split, evaluation_transform(data), training=False), batch_size=5, workers=0))
    annotations = json.loads(split.annotations.read_text())["annotations"]
    corners = {(round(one["bbox"][0], 2), round(one["bbox"][1], 2)): one["sigma"] for one in annotations}
    instances = batch.to("cpu").instances
    assert instances.sigma is not None and len(instances) > 5
    for box, sigma in zip(instances.boxes.tolist(), instances.sigma, strict=True):
        torch.testing.assert_close(sigma, torch.tensor(corners[round(box[0], 2), round(box[1], 2)]))
    parts = [part.instances.sigma for part in parts_of(batch, 2)]
    torch.testing.assert_close(torch.cat([part for part in parts if part is not None]), instances.sigma)
