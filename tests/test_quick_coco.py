"""faster-coco-eval, as re-evaluation uses it, and pycocotools, the referee, give the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from analysis.reevaluation.quick import QuickTruth, measure_quickly
from gfl_bench.evaluate.coco import measure

GOLDENS = Path(__file__).parent / "goldens"
SMALL = GOLDENS / "cocoeval_small_gt.json"
FOUND: list[dict[str, Any]] = json.loads((GOLDENS / "cocoeval_small_dt.json").read_text())
PUBLISHED = Path(__file__).parents[2] / "shared" / "eval" / "coco_val2014_100"
IMAGES, CLASSES = (7, 3, 12), (5, 2)
MISS = [0.0, 150.0, 9.0, 9.0]

coordinates = some.integers(0, 6).map(lambda cell: 16.0 * cell) | some.floats(0, 100, width=32)
sides = some.integers(1, 8).map(lambda cell: 16.0 * cell) | some.floats(1, 150, width=32)
objects = some.fixed_dictionaries({
    "image_id": some.sampled_from(IMAGES), "category_id": some.sampled_from(CLASSES),
    "bbox": some.tuples(coordinates, coordinates, sides, sides).map(list),
    "iscrowd": some.sampled_from((0, 0, 1)),
})
detections = some.fixed_dictionaries({
    "image_id": some.sampled_from(IMAGES), "category_id": some.sampled_from(CLASSES),
    "bbox": some.tuples(coordinates, coordinates, sides, sides).map(list),
    "score": some.sampled_from((0.25, 0.5, 0.75)) | some.floats(0, 1),
})


def annotation_file(path: Path, annotations: list[dict[str, Any]]) -> Path:
    content = {
        "images": [{"id": number, "file_name": "", "width": 200, "height": 200} for number in IMAGES],
        "annotations": [one | {"id": number} for number, one in enumerate(annotations)],
        "categories": [{"id": number, "name": f"class {number}"} for number in CLASSES],
    }
    path.write_text(json.dumps(content))
    return path


def assert_same(annotations: Path, found: list[dict[str, Any]], thresholds: list[float] | None = None) -> None:
    truth = QuickTruth(annotations)
    quick, referee = (tool(truth, found, thresholds) for tool in (measure_quickly, measure))
    assert [float(one).hex() for one in quick.stats] == [float(one).hex() for one in referee.stats]
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(quick.eval[name], referee.eval[name], err_msg=name)


def test_both_tools_agree_to_the_last_bit_on_the_golden() -> None:
    assert_same(SMALL, FOUND)
    golden = np.load(GOLDENS / "cocoeval_small.npz")["stats12"]
    np.testing.assert_allclose(measure_quickly(QuickTruth(SMALL), FOUND).stats, golden, rtol=0, atol=1e-12)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs the COCO val2014 sample of the shared folder")
def test_both_tools_agree_to_the_last_bit_on_the_published_coco_sample() -> None:
    found = json.loads((PUBLISHED / "instances_val2014_fakebbox100_results.json").read_text())
    assert_same(PUBLISHED / "instances_val2014_100.json", found)


@settings(max_examples=80, deadline=None, database=None)
@given(some.lists(objects, max_size=12), some.lists(detections, max_size=40), some.booleans())
def test_both_tools_agree_to_the_last_bit_with_ties_crowds_and_empty_images(
    tmp_path_factory: pytest.TempPathFactory, annotations: list[Any], found: list[Any], is_changed: bool
) -> None:
    path = annotation_file(tmp_path_factory.getbasetemp() / "drawn.json", annotations)
    assert_same(path, found, [0.3, 0.5, 0.9] if is_changed else None)


def test_both_tools_agree_where_an_image_has_more_than_a_hundred_detections(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    found = [
        {"image_id": 3, "category_id": 2, "bbox": [*random.uniform(0, 60, 2), 30.0, 30.0], "score": float(score)}
        for score in random.random(160).round(2)
    ]
    objects = [{"image_id": 3, "category_id": 2, "bbox": one["bbox"], "iscrowd": 0} for one in found[:12]]
    assert_same(annotation_file(tmp_path / "many.json", objects), found)


@pytest.mark.parametrize("objects", [1, 2, 150])  # at 150 the two recalls are below COCO's second threshold
@pytest.mark.parametrize("right", [(True,), (True, False), (True, True), (True, True, False), (False, True)])
def test_a_precision_of_one_is_the_referees_also_where_only_the_best_detection_is_right(
    tmp_path: Path, objects: int, right: tuple[bool, ...]
) -> None:
    places: list[Any] = [[(number % 20) * 10.0, number // 20 * 10.0, 8.0, 8.0] for number in range(objects)]
    truths = [{"image_id": 3, "category_id": 2, "bbox": place, "iscrowd": 0} for place in places]
    found = [
        {"image_id": 3, "category_id": 2, "bbox": places[rank % objects] if hit else MISS, "score": 1 - rank / 9}
        for rank, hit in enumerate(right)
    ]
    assert_same(annotation_file(tmp_path / "few.json", truths), found)
