"""The images that are timed, as files and on the device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from gfl_bench.config.schema import DataConfig
from gfl_bench.data.batch_order import evaluation_batches
from gfl_bench.data.coco import CocoDataset
from gfl_bench.data.loader import collate, prepare
from gfl_bench.data.transforms import evaluation_transform
from gfl_bench.engine.device import move
from gfl_bench.structures import Batch

CLASSES = 80  # of made pictures: COCO's
BOXES = 7  # of each, for training steps: COCO's mean
BLUR = 16  # pixels between the independent values of a made picture, so that its JPEG is as large as a photograph's


class TimedImages:
    """The first ``count`` images of a validation split, in the order of evaluation; again from the first beyond."""

    def __init__(self, data: DataConfig, cache: Path, count: int, device: torch.device, channels_last: bool) -> None:
        split = prepare(data, cache, ("val",), annotated=False)["val"]
        self.dataset = CocoDataset(split, evaluation_transform(data), training=False)
        draws = evaluation_batches(self.dataset.landscape, batch_size=1)[:count]
        self._indices = [draw.index for (draw,) in draws]
        self.on_device = [move(self.load(number), device, channels_last) for number in range(len(self))]

    def __len__(self) -> int:
        return len(self._indices)

    def load(self, number: int) -> Batch:
        """Image ``number`` from its file to a batch on the host."""
        return collate([self.dataset[self._indices[number]]])

    @property
    def sizes(self) -> list[tuple[int, int, int]]:
        """(id, height, width) of each, as stored."""
        records = [self.dataset.records[index] for index in self._indices]
        return [(record.id, record.height, record.width) for record in records]


def make_pictures(cache: Path, size: tuple[int, int], count: int) -> list[str]:
    """Write ``count`` JPEGs of clouds of ``size`` (height, width), with boxes of no meaning on them.

    Returns:
        the overrides that make them the data.
    """
    height, width = size
    folder = cache / "pictures" / f"{height}x{width}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for number in range(count):
        grain = generator.integers(0, 256, (-(-height // BLUR), -(-width // BLUR), 3), dtype=np.uint8)
        Image.fromarray(grain).resize((width, height), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
    annotations = folder / "pictures.json"
    annotations.write_text(json.dumps(_coco(height, width, count, generator)), encoding="utf-8")
    short, long = sorted(size)
    return [
        "data=coco", f"data.size={short}", f"data.max_size={long}", f"data.val.images='{folder}'",
        f"data.val.annotations='{annotations}'", f"data.train.images='{folder}'",
        f"data.train.annotations='{annotations}'",
    ]  # fmt: skip


def _coco(height: int, width: int, count: int, generator: np.random.Generator) -> dict[str, Any]:
    return {
        "images": [
            {"id": number, "file_name": f"{number}.jpg", "height": height, "width": width} for number in range(count)
        ],
        "categories": [{"id": number, "name": str(number)} for number in range(CLASSES)],
        "annotations": [
            {"id": number, "image_id": number // BOXES, "category_id": int(generator.integers(CLASSES)), "iscrowd": 0}
            | _box(height, width, generator)
            for number in range(count * BOXES)
        ],
    }


def _box(height: int, width: int, generator: np.random.Generator) -> dict[str, Any]:
    """Of at least a 32nd of the picture in either direction, small ones as frequent as large ones."""
    sides = np.array([width, height]) * 2 ** generator.uniform(-5, 0, 2)
    corner = (np.array([width, height]) - sides) * generator.uniform(0, 1, 2)
    return {"bbox": [*map(float, corner), *map(float, sides)], "area": float(sides.prod())}
