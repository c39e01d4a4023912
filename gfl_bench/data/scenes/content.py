"""What the files of a generated data set hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.data.scenes.scene import Label

GENERATOR_VERSION = 1  # of the pictures: raise it when a change alters any of them


@dataclass(frozen=True)
class SceneSettings:
    """All that the pictures depend on."""

    size: int  # pixels, height and width
    train_images: int
    val_images: int
    seed: int

    def folder_name(self) -> str:
        return named(f"scenes-{self.size}px", {"version": GENERATOR_VERSION, **asdict(self)})


def named(prefix: str, content: dict[str, Any]) -> str:
    """``prefix`` and a digest of ``content``."""
    text = json.dumps(content, sort_keys=True)
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def file_name(index: int) -> str:
    return f"{index:06d}.jpg"


def coco_dataset(settings: SceneSettings, split: str, labels: list[list[Label]]) -> dict[str, Any]:
    """The content of an instances JSON; ids count from 1.

    Beyond COCO's fields an annotation has, for its left, top, right and bottom side, ``sigma`` (pixels, standard
    deviation of the edge) and ``side`` (why: see ``ambiguity.Side``), and ``true_bbox``, the box before the label's
    edges were moved by draws from N(0, sigma). ``area`` is that of the box.
    """
    described = {"description": "gfl_bench scenes", "version": str(GENERATOR_VERSION), "settings": asdict(settings)}
    annotations = [(image, label) for image, ones in enumerate(labels, start=1) for label in ones]
    return {
        "info": described,
        "images": [
            {"id": index + 1, "file_name": file_name(index), "width": settings.size, "height": settings.size}
            for index in range(len(labels))
        ],
        "annotations": [
            {"id": number, "image_id": image, **_annotation(label)}
            for number, (image, label) in enumerate(annotations, start=1)
        ],
        "categories": [{"id": label + 1, "name": name} for label, name in enumerate(NAMES)],
    }


def _annotation(label: Label) -> dict[str, Any]:
    box = _xywh(label.box.tolist())
    return {
        "category_id": label.label + 1,
        "bbox": box,
        "area": round(box[2] * box[3], 2),
        "iscrowd": 0,
        "true_bbox": _xywh(label.true_box.tolist()),
        "sigma": [round(sigma, 3) for sigma in label.edges.sigma.tolist()],
        "side": [kind.value for kind in label.edges.kind],
    }


def _xywh(box: list[float]) -> list[float]:
    x1, y1, x2, y2 = (round(value, 2) for value in box)
    return [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)]
