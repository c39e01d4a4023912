"""The form of a COCO instances file: valid JSON, the lists and keys that must be there, ids that are unique."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from gfl_bench.data.error import DataError

KEYS = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("id", "image_id", "category_id", "bbox"),
    "categories": ("id", "name"),
}


def load_instances(path: Path, annotated: bool = True) -> dict[str, Any]:
    """The content of an instances JSON, in which every entry of ``KEYS`` is known to be present.

    Unless it must be ``annotated``, the list of annotations may be absent, as in the files of COCO's test sets, and
    is empty then.

    Raises:
        DataError: the file is no such JSON, an entry lacks a key, an id is double or no integer, or no image is listed.
    """
    content = _parse(path) if annotated else {"annotations": []} | _parse(path)
    for name in KEYS:
        _check_entries(path, name, content)
    if not content["images"]:
        raise DataError(f"{path}: the split is empty, it lists no image; check that this is the right file")
    return content


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: the annotation file cannot be read ({error.strerror}); check the path") from error
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error}); the file may be cut off, fetch it again") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected a JSON object with images, annotations and categories, as COCO has")
    return content


def _check_entries(path: Path, name: str, content: dict[str, Any]) -> None:
    """Every entry of the list ``name`` has its keys and an integer id of its own."""
    entries = content.get(name)
    if not isinstance(entries, list):
        hint = ", or mode=testdev for a test set" if name == "annotations" else ""
        raise DataError(f"{path}: has no list '{name}'; expected an instances file as COCO's{hint}")
    for number, entry in enumerate(entries):
        missing = [key for key in KEYS[name] if not isinstance(entry, dict) or key not in entry]
        if missing:
            where = f"id {entry['id']}" if isinstance(entry, dict) and "id" in entry else f"number {number}"
            raise DataError(f"{path}: the entry of '{name}' with {where} has no '{missing[0]}'; add it")
        if not is_integer(entry["id"]):
            raise DataError(f"{path}: '{name}' has the id {entry['id']!r}, which is not an integer; renumber it")
    double = [one for one, count in Counter(entry["id"] for entry in entries).items() if count > 1]
    if double:
        raise DataError(f"{path}: the id {double[0]} stands in '{name}' more than once; ids must be unique")
