"""What is left of a prediction: pictures with boxes, and one JSON in COCO's form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gfl_bench.atomic import replacing
from gfl_bench.data.classes import Classes
from gfl_bench.evaluate.detections import to_coco
from gfl_bench.structures import Detections

NAME = "detections.json"


class Found:
    """Detections of any number of pictures, as a COCO data set whose annotations have a ``score``."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, name: str, size: tuple[int, int], found: Detections, **more: Any) -> None:
        """A picture of ``size`` (height, width); ``more`` stands in its entry."""
        number = len(self._images) + 1
        self._images.append({"id": number, "file_name": name, "height": size[0], "width": size[1], **more})
        for row in to_coco(found, number, self._classes.ids):
            width, height = row["bbox"][2:]
            self._annotations.append(
                {"id": len(self._annotations) + 1, **row, "area": round(width * height, 2), "iscrowd": 0}
            )

    def save(self, folder: Path) -> Path:
        """Write ``detections.json``; returns it."""
        pairs = zip(self._classes.ids, self._classes.names, strict=True)
        content = {
            "images": self._images,
            "annotations": self._annotations,
            "categories": [{"id": number, "name": name} for number, name in pairs],
        }
        with replacing(folder / NAME) as file:
            file.write(json.dumps(content).encode())
        return folder / NAME

    def __len__(self) -> int:
        return len(self._images)

    @property
    def boxes(self) -> int:
        """In all pictures."""
        return len(self._annotations)


def targets(folder: Path, sources: Sequence[Path], suffixes: Sequence[str]) -> list[Path]:
    """Where each of ``sources`` is drawn, in ``folder`` under its name; those of equal names are numbered."""
    found: list[Path] = []
    for source, suffix in zip(sources, suffixes, strict=True):
        wanted = [folder / f"{source.stem}{suffix}"]
        while wanted[-1] in found:
            wanted.append(folder / f"{source.stem}-{len(wanted)}{suffix}")
        found.append(wanted[-1])
    return found


def save_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    """As JPEG."""
    Image.fromarray(pixels).save(path, quality=92)
