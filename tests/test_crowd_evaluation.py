"""MR, AP and JI are those of the reference code on real photographs, and of loops that follow its definition."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gfl_bench.data.crowdhuman.instances import instances
from gfl_bench.data.crowdhuman.odgt import read_odgt
from gfl_bench.evaluate.coco import EvaluationError
from gfl_bench.evaluate.crowdhuman import COLUMNS, Measured, evaluate, measure
from gfl_bench.evaluate.crowdhuman.crowd import Crowd
from gfl_bench.evaluate.crowdhuman.jaccard import agreements
from gfl_bench.evaluate.crowdhuman.ranking import outcomes

GOLDEN = Path(__file__).parents[2] / "shared" / "eval" / "crowd_persons"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text()) if GOLDEN.exists() else {}
SIDE = 100
BOX = list[float]  # x1, y1, x2, y2
REFERENCES = [0.01, 0.0178, 0.0316, 0.0562, 0.1, 0.1778, 0.3162, 0.5623, 1.0]


@pytest.mark.skipif(not EXPECTED, reason="../shared/eval/crowd_persons is not beside this checkout")
@pytest.mark.parametrize("name", EXPECTED)
def test_real_detections_get_the_numbers_that_the_reference_gives_them(name: str) -> None:
    photographs = read_odgt(GOLDEN / "annotations.odgt")
    dataset = instances(photographs, [one.size or (0, 0) for one in photographs], ".jpg")
    ids = {one.id: number for number, one in enumerate(photographs, 1)}
    lines = map(json.loads, (GOLDEN / f"detections_{name}.jsonl").read_text().splitlines())
    found = [detection(ids[line["ID"]], one["score"], *one["box"]) for line in lines for one in line["dtboxes"]]
    measured, expected = measured_of(dataset, found), EXPECTED[name]
    for ours, theirs in ((measured.ap, "AP"), (measured.miss_rate, "MR"), (measured.jaccard, "JI")):
        assert ours == pytest.approx(expected[theirs], abs=1e-9)
    assert expected["JI_per_score_threshold"] == [
        f"score_thr:{one.score:.1f}, mean_ratio:{one.index:.4f}, valids:{one.matched}, total:{one.detections}, "
        f"gtn:{one.persons}"
        for one in measured.agreements
    ]


def detection(image: int, score: float, *bbox: float) -> dict[str, Any]:
    return {"image_id": image, "category_id": 1, "score": score, "bbox": list(bbox)}


def measured_of(dataset: dict[str, Any], found: list[dict[str, Any]]) -> Measured:
    measured = measure(dataset, found)
    assert measured is not None
    return measured


def a_split(seed: int, images: int = 6) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Few persons close together, a quarter of them ignored, some outside; detections near them, scores often equal."""
    rng = np.random.default_rng(seed)
    marked, found = [], []
    for image in range(1, images + 1):
        for _ in range(rng.integers(0, 5)):
            x, y, width, height = *rng.uniform(-20, 70, 2), *rng.uniform(20, 60, 2)
            marked.append({"image_id": image, "bbox": [x, y, width, height], "iscrowd": int(rng.random() < 0.25)})
            for _ in range(rng.integers(0, 4)):
                moved = np.array([x, y, width, height]) + rng.normal(0, 7, 4)
                found.append(detection(image, round(float(rng.uniform(0, 1)), 1), *np.maximum(moved, [-99, -99, 5, 5])))
    sizes = [{"id": image, "width": SIDE, "height": SIDE} for image in range(1, images + 1)]
    return {"images": sizes, "annotations": marked}, found


@pytest.mark.parametrize("seed", range(12))
def test_the_numbers_are_those_of_loops_over_boxes_and_of_all_matchings(seed: int) -> None:
    dataset, found = a_split(seed)
    measured, looped = measured_of(dataset, found), loops(dataset, found)
    assert (measured.ap, measured.miss_rate, measured.jaccard) == pytest.approx(looped, abs=1e-9)


def loops(dataset: dict[str, Any], found: list[dict[str, Any]]) -> tuple[float, float, float]:
    """AP, MR and JI without arrays: each detection against each person, and every possible matching."""
    images = [
        (of_image(found, image["id"]), *(of_image(dataset["annotations"], image["id"], crowd) for crowd in (0, 1)))
        for image in dataset["images"]
    ]
    persons = sum(len(ones) for _, ones, _ in images)
    ranked = sorted((one for image in images for one in greedy(*image)), key=lambda one: -one[0])
    curve, right, wrong = [], 0, 0
    for _, is_right in ranked:
        right, wrong = right + is_right, wrong + (not is_right)
        curve.append((right / persons, right / (right + wrong), wrong / len(images)))
    ap = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(curve))
    misses = [1 - next((point for point in curve if point[2] >= limit), curve[-1])[0] for limit in REFERENCES]
    miss_rate = math.exp(sum(map(math.log, misses)) / 9) if all(misses) else 0.0
    return ap, miss_rate, max(jaccard(images, step * 0.1) for step in range(10))


def of_image(entries: list[dict[str, Any]], image: int, crowd: int = 0) -> list[tuple[float, BOX]]:
    kept = [one for one in entries if one["image_id"] == image and one.get("iscrowd", 0) == crowd]
    corners = [(one.get("score", 0), (x, y, x + w, y + h)) for one in kept for x, y, w, h in [one["bbox"]]]
    low, high = ([0, 0, 0, 0], [SIDE - 1, SIDE - 1, SIDE, SIDE])
    return [(score, [min(max(v, a), b) for v, a, b in zip(box, low, high, strict=True)]) for score, box in corners]


def greedy(found: Any, persons: Any, ignored: Any) -> list[tuple[float, bool]]:
    left, outcome = list(persons), []
    for score, box in sorted(found, key=lambda one: -one[0]):
        best = max(left, key=lambda one: overlap(box, one[1]), default=None)
        if best is not None and overlap(box, best[1]) > 0.5:
            left.remove(best)
            outcome.append((score, True))
        elif not excused(box, ignored):
            outcome.append((score, False))
    return outcome


def jaccard(images: Any, score: float) -> float:
    indices = []
    for all_found, persons, ignored in images:
        found = [one for one in all_found if one[0] > score]
        pairs = best_matching([box for _, box in found], [box for _, box in persons])
        n = sum(not excused(box, ignored) for i, (_, box) in enumerate(found) if i not in dict(pairs)) + len(pairs)
        taken = {j for _, j in pairs}
        m = sum(not excused(box, ignored) for j, (_, box) in enumerate(persons) if j not in taken) + len(pairs)
        if m or n:
            indices.append(len(pairs) / (m + n - len(pairs) + 1e-6))
    return sum(indices) / len(indices)


def best_matching(found: list[BOX], persons: list[BOX], at: int = 0) -> list[tuple[int, int]]:
    """The pairs of IoU above 0.5 with the largest sum, by trying them all."""
    near = {(i, j): overlap(a, b) for i, a in enumerate(found) for j, b in enumerate(persons) if overlap(a, b) > 0.5}

    def best(i: int, taken: frozenset[int]) -> tuple[float, list[tuple[int, int]]]:
        if i == len(found):
            return 0.0, []
        options = [best(i + 1, taken)]
        for j in range(len(persons)):
            if (i, j) in near and j not in taken:
                value, pairs = best(i + 1, taken | {j})
                options.append((value + near[i, j], [(i, j), *pairs]))
        return max(options, key=lambda one: one[0])

    return best(at, frozenset())[1]


def overlap(a: BOX, b: BOX) -> float:
    shared = inside(a, b)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared + 1e-6)


def excused(box: BOX, ignored: Any) -> bool:
    return any(inside(box, one) / ((box[2] - box[0]) * (box[3] - box[1]) + 1e-6) > 0.5 for _, one in ignored)


def inside(a: BOX, b: BOX) -> float:
    return max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)


def crowd(iou: list[list[float]], excused: list[bool], dispensable: list[bool]) -> Crowd:
    scores = np.linspace(0.9, 0.5, len(iou))
    return Crowd(scores, np.array(iou).reshape(len(iou), -1), np.array(excused, bool), np.array(dispensable, bool))


def test_a_detection_takes_the_nearest_person_that_is_left_and_else_may_be_excused() -> None:
    found = crowd([[0.6, 0.9], [0.6, 0.8], [0.7, 0.7], [0.5, 0.0]], [False, True, True, False], [False, False])
    assert outcomes(found).tolist() == [1, 1, -1, 0]


def test_the_index_matches_for_the_largest_sum_and_not_by_score() -> None:
    found = crowd([[0.9, 0.8], [0.7, 0.0]], [False, False], [False, False])
    assert agreements([found])[0].matched == 2


def test_perfect_detections_miss_nothing_and_none_miss_all() -> None:
    dataset, _ = a_split(0)
    persons = [detection(one["image_id"], 0.95, *one["bbox"]) for one in dataset["annotations"] if not one["iscrowd"]]
    perfect, nothing = measured_of(dataset, persons), measured_of(dataset, [])
    assert (perfect.miss_rate, perfect.jaccard) == (0, pytest.approx(1, abs=1e-5))
    assert (nothing.miss_rate, nothing.ap, nothing.jaccard) == (1, 0, 0)


def test_numbers_are_percent_and_null_where_there_is_no_person(tmp_path: Path) -> None:
    path, (dataset, found) = tmp_path / "instances.json", a_split(1)
    path.write_text(json.dumps(dataset))
    percent = evaluate(path, found)
    assert list(percent) == list(COLUMNS)
    assert percent["AP"] == pytest.approx(100 * measured_of(dataset, found).ap)
    path.write_text(json.dumps(dataset | {"annotations": []}))
    assert evaluate(path, found) == dict.fromkeys(COLUMNS)


def test_a_detection_of_an_image_that_is_not_annotated_is_refused_by_its_id() -> None:
    with pytest.raises(EvaluationError, match="image 77"):
        measure(a_split(0)[0], [detection(77, 0.5, 0, 0, 9, 9)])
