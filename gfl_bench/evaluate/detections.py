"""Detections in COCO's results format: rounded once, evaluated and kept as the same numbers.

A COCO validation run keeps half a million boxes. Rounded and compressed they take a tenth of the space, the AP moves
by less than 0.001 percent points (the tests show it), and whoever evaluates the kept file gets the run's own digits.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gfl_bench.atomic import replacing
from gfl_bench.structures import Detections

COORDINATE_DECIMALS = 2  # hundredths of a pixel
SCORE_DIGITS = 5  # significant ones: low scores must keep their order too
ALGORITHM = "gfl_bench"  # in the name of a submission


class DetectionsError(ValueError):
    """A file of detections cannot be read."""


def to_coco(detections: Detections, image_id: int, category_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Detections of image ``image_id``, boxes in pixels of the original image, as COCO results.

    Args:
        detections: labels 0..C-1.
        category_ids: [C] id in the annotation file of each label.
    """
    boxes = detections.boxes.double().cpu()
    corner_size = boxes.clone()
    corner_size[:, 2:] -= boxes[:, :2]
    rows = zip(corner_size.tolist(), detections.scores.tolist(), detections.labels.tolist(), strict=True)
    return [
        rounded({"image_id": image_id, "category_id": category_ids[label], "bbox": box, "score": score})
        for box, score, label in rows
    ]


def rounded(detection: dict[str, Any]) -> dict[str, Any]:
    """``detection`` with the digits that are kept."""
    return {
        **detection,
        "bbox": [round(number, COORDINATE_DECIMALS) for number in detection["bbox"]],
        "score": float(f"{detection['score']:.{SCORE_DIGITS}g}"),
    }


def save(path: Path, detections: Sequence[dict[str, Any]]) -> None:
    """Write ``detections`` as compressed JSON in place of ``path``; equal detections make equal bytes."""
    with replacing(path) as file:
        file.write(gzip.compress(_encoded(detections), compresslevel=6, mtime=0))


def save_submission(folder: Path, annotations: Path, detections: Sequence[dict[str, Any]]) -> Path:
    """Write ``detections`` to ``folder`` as COCO's evaluation server wants them, as JSON and zipped.

    They have the digits of every kept file, so that the server counts what ``mode=evaluate`` would; COCO's own advice,
    tenths of a pixel, saves space only.

    Args:
        annotations: file of the images, ``image_info_test-dev2017.json``: the submission is named after its test set.

    Returns:
        The archive, ``detections_test-dev2017_gfl_bench_results.zip``; the JSON has the same name.
    """
    testset = annotations.stem.removeprefix("image_info_").removeprefix("instances_")
    path = folder / f"detections_{testset}_{ALGORITHM}_results.json"
    content = _encoded(detections)
    with replacing(path) as file:
        file.write(content)
    with replacing(path.with_suffix(".zip")) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(path.name), content, zipfile.ZIP_DEFLATED)  # without the time of day
    return path.with_suffix(".zip")


def _encoded(detections: Sequence[dict[str, Any]]) -> bytes:
    return json.dumps(list(detections), separators=(",", ":")).encode()


def read(path: Path) -> list[dict[str, Any]]:
    """Detections that ``save`` wrote.

    Raises:
        DetectionsError: the file is missing, cut short or something else.
    """
    try:
        detections = json.loads(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, ValueError) as error:  # gzip's and json's errors are of these
        raise DetectionsError(f"{path}: the detections cannot be read ({error}): evaluate the run again") from error
    if not isinstance(detections, list):
        raise DetectionsError(f"{path}: these are not COCO results, a list of detections: evaluate the run again")
    return detections
