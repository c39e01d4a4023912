"""CrowdHuman's annotation files: one JSON object a line, one line an image."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfl_bench.data.error import DataError

PERSON = "person"  # every other tag, such as mask, marks what is to be ignored
WHAT_TO_DO = "`python -m gfl_bench.data.crowdhuman FOLDER` says what to fetch"

Box = tuple[float, float, float, float]  # x, y, width, height in pixels


@dataclass(frozen=True)
class Body:
    """One annotated person, or something that is to be ignored."""

    full: Box  # may reach outside the image
    visible: Box | None
    head: Box | None
    ignored: bool


@dataclass(frozen=True)
class Photograph:
    id: str  # name of its file without the ending
    size: tuple[int, int] | None  # width, height; the official files have none
    bodies: tuple[Body, ...]


def read_odgt(path: Path) -> list[Photograph]:
    """The images of ``annotation_train.odgt`` or ``annotation_val.odgt``, in their order.

    Raises:
        DataError: the file is missing or empty, or a line is not as it should be.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the annotations cannot be read ({error}); {WHAT_TO_DO}") from error
    photographs = [_photograph(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not photographs:
        raise DataError(f"{path}: there is no image in this file; {WHAT_TO_DO}")
    return photographs


def _photograph(line: str, where: str) -> Photograph:
    try:
        content = json.loads(line)
        identity, boxes = content["ID"], content["gtboxes"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{where}: expected a JSON object with ID and gtboxes ({error}); {WHAT_TO_DO}") from error
    if not isinstance(identity, str) or not isinstance(boxes, list):
        raise DataError(f"{where}: ID must be a text and gtboxes a list; {WHAT_TO_DO}")
    sides = content.get("width"), content.get("height")
    size = sides if all(isinstance(side, int) and side > 0 for side in sides) else None
    return Photograph(identity, size, tuple(_body(one, where) for one in boxes))


def _body(box: Any, where: str) -> Body:
    if not isinstance(box, Mapping) or (full := _box(box.get("fbox"))) is None:
        raise DataError(f"{where}: a box has no fbox of four finite numbers; correct or remove it")
    extra = box.get("extra")
    excused = isinstance(extra, Mapping) and extra.get("ignore", 0) != 0
    return Body(full, _box(box.get("vbox")), _box(box.get("hbox")), excused or box.get("tag") != PERSON)


def _box(values: Any) -> Box | None:
    if not isinstance(values, list) or len(values) != 4:
        return None
    numbers = all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    return (values[0], values[1], values[2], values[3]) if numbers else None
