"""What a run left for counting again: the detections that its NMS kept, and the annotations they belong to."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gfl_bench.config.paths import cache_folder, expand
from gfl_bench.config.schema import CROWDS

LARGEST = 1e9  # pixels; beyond it, and for NaN, a number is a fault

Found = list[dict[str, Any]]


class ReevaluationError(ValueError):
    """Why a run cannot be counted again."""


def stored_detections(run: Path) -> Found:
    """COCO results of ``detections.json.gz``.

    Raises:
        ReevaluationError: the file is missing, cut short, or holds something else.
    """
    path = run / "detections.json.gz"
    try:
        found = json.loads(gzip.decompress(path.read_bytes()))
    except FileNotFoundError:
        raise ReevaluationError("kept no detections: only a training or mode=evaluate keeps them") from None
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise ReevaluationError(f"has detections that cannot be read ({error}): evaluate the run again") from error
    if not isinstance(found, list) or not all(map(_is_detection, found)):
        raise ReevaluationError("has detections that are no COCO results: evaluate the run again")
    return found


def annotation_file(config: Mapping[str, Any], cache: str | None) -> Path:
    """The annotations that a run of ``config`` is evaluated with; generated scenes are made if they are missing.

    Args:
        cache: folder of the generated data; None is the one that the run had.

    Raises:
        ReevaluationError: the data has no annotations in COCO's form, or they are not there.
    """
    data = section(config, "data")
    folder = cache or section(config, "paths").get("cache")
    if data.get("name") in ("scenes", "crowds"):
        return _scenes(data, folder)
    annotations = section(data, "val").get("annotations")
    if isinstance(annotations, str) and data.get("name") == "crowdhuman":
        return _crowdhuman(data, annotations, folder)
    if not isinstance(annotations, str) or not annotations.endswith(".json"):
        raise ReevaluationError(f"is of data={data.get('name')}, which has no annotations in COCO's form")
    path = expand(annotations)
    if not path.is_file():
        raise ReevaluationError(f"was evaluated with {annotations}, which is not here: give --annotations FILE")
    return path


def is_of_crowds(config: Mapping[str, Any]) -> bool:
    """Whether MR, AP and JI are counted on the data of a run."""
    return section(config, "data").get("name") in CROWDS


def _crowdhuman(data: Mapping[str, Any], annotations: str, cache: str | None) -> Path:
    from gfl_bench.data.crowdhuman.prepare import instances_file
    from gfl_bench.data.error import DataError

    images = expand(str(section(data, "val").get("images")))
    try:
        return instances_file(expand(annotations), images, cache_folder(cache))
    except DataError as error:
        raise ReevaluationError(f"was evaluated on what is not here ({error}): give --annotations FILE") from error


def _scenes(data: Mapping[str, Any], cache: str | None) -> Path:
    from gfl_bench.data.error import DataError
    from gfl_bench.data.scenes.content import SceneSettings
    from gfl_bench.data.scenes.crowds.content import CrowdSettings
    from gfl_bench.data.scenes.write import ensure_scenes

    try:
        kind = CrowdSettings if data["name"] == "crowds" else SceneSettings
        settings = kind(data["size"], data["train_images"], data["val_images"], data["seed"])
        return ensure_scenes(settings, cache_folder(cache)) / "annotations" / "val.json"
    except (KeyError, TypeError, DataError) as error:
        raise ReevaluationError(f"is of scenes that cannot be made: {error}") from error


def _is_detection(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("image_id"), int)
        and isinstance(one.get("category_id"), int)
        and isinstance(box := one.get("bbox"), list)
        and len(box) == 4
        and all(isinstance(number, int | float) and abs(number) < LARGEST for number in [*box, one.get("score")])
    )


def section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping inside a config; empty where a foreign one has none."""
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}
