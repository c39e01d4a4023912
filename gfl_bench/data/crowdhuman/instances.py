"""Annotated persons as the content of a COCO instances file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gfl_bench.data.crowdhuman.odgt import PERSON, Body, Photograph

CATEGORIES = [{"id": 1, "name": PERSON}]


def instances(photographs: Sequence[Photograph], sizes: Sequence[tuple[int, int]], ending: str) -> dict[str, Any]:
    """The content of an instances JSON; ids count from 1.

    Args:
        sizes: width and height of each image.
        ending: of the files' names, such as ``.jpg``.
    """
    bodies = [(image, body) for image, one in enumerate(photographs, 1) for body in one.bodies]
    return {
        "images": [
            {"id": number, "file_name": one.id + ending, "width": width, "height": height}
            for number, (one, (width, height)) in enumerate(zip(photographs, sizes, strict=True), 1)
        ],
        "annotations": [
            {"id": number, "image_id": image, **annotation(body)} for number, (image, body) in enumerate(bodies, 1)
        ],
        "categories": CATEGORIES,
    }


def annotation(body: Body) -> dict[str, Any]:
    """Of one body: its full box is the ``bbox``, beside it ``vbox``, the visible one, and ``hbox``, the head."""
    others = {"vbox": body.visible, "hbox": body.head}
    return {
        "category_id": CATEGORIES[0]["id"],
        "bbox": list(body.full),
        "area": body.full[2] * body.full[3],
        "iscrowd": int(body.ignored),
        **{name: list(box) for name, box in others.items() if box is not None},
    }
