"""AP is pycocotools', kept detections give the same AP, and quality is correlated as Table 10 says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from standin import StandIn, annotation_file, batches_from, random_batch

from gfl_bench.config.schema import Precision
from gfl_bench.evaluate import detections as kept
from gfl_bench.evaluate.coco import COLUMNS, EvaluationError, evaluate, statistics
from gfl_bench.evaluate.detections import DetectionsError, rounded, to_coco
from gfl_bench.evaluate.inference import infer
from gfl_bench.evaluate.quality import correlation
from gfl_bench.structures import Detections, QualityPairs

GOLDENS = Path(__file__).parent / "goldens"
SMALL = GOLDENS / "cocoeval_small_gt.json"
PUBLISHED = Path(__file__).parents[2] / "shared" / "eval" / "coco_val2014_100"

Found = list[dict[str, Any]]


def small_detections() -> Found:
    found: Found = json.loads((GOLDENS / "cocoeval_small_dt.json").read_text())
    return found


def unrounded_detections() -> Found:
    """The golden's detections with as many digits as a network gives."""
    random = np.random.default_rng(0)
    return [
        {**one, "bbox": (np.array(one["bbox"]) + random.normal(0, 0.3, 4)).tolist(), "score": one["score"] ** 1.3}
        for one in small_detections()
    ]


def test_twelve_numbers_are_the_references() -> None:
    golden = np.load(GOLDENS / "cocoeval_small.npz")["stats12"]
    np.testing.assert_allclose(statistics(SMALL, small_detections()), golden, rtol=0, atol=1e-12)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs the COCO val2014 sample of the shared folder")
def test_numbers_of_the_published_coco_sample_come_out() -> None:
    found = json.loads((PUBLISHED / "instances_val2014_fakebbox100_results.json").read_text())
    published = json.loads((PUBLISHED / "expected_bbox.json").read_text())["pycocotools_all_imgs"]
    assert statistics(PUBLISHED / "instances_val2014_100.json", found) == pytest.approx(published, abs=5e-7)


def test_columns_are_percent_under_the_papers_names() -> None:
    golden = np.load(GOLDENS / "cocoeval_small.npz")["stats12"]
    found = evaluate(SMALL, small_detections())
    assert tuple(found) == COLUMNS == ("AP", "AP50", "AP75", "APs", "APm", "APl")
    assert list(found.values()) == pytest.approx(100 * golden[:6], abs=1e-9)


def test_evaluation_prints_nothing_and_changes_no_detection(capsys: pytest.CaptureFixture[str]) -> None:
    found = small_detections()
    evaluate(SMALL, found)
    assert capsys.readouterr().out == ""
    assert found == small_detections()


def test_no_detections_make_an_ap_of_zero() -> None:
    assert evaluate(SMALL, []) == dict.fromkeys(COLUMNS, 0.0)


def test_column_without_ground_truth_is_null(tmp_path: Path) -> None:
    large_only = annotation_file(
        tmp_path, [{"id": 1, "image_id": 0, "category_id": 7, "bbox": [0, 0, 98, 98], "area": 9604, "iscrowd": 0}]
    )
    found = evaluate(large_only, [{"image_id": 0, "category_id": 7, "bbox": [0, 0, 98, 98], "score": 0.9}])
    assert (found["APs"], found["APm"]) == (None, None)
    assert found["AP"] == found["APl"] == pytest.approx(100)


def test_split_without_any_object_has_null_ap(tmp_path: Path) -> None:
    assert evaluate(annotation_file(tmp_path, []), []) == dict.fromkeys(COLUMNS, None)


def test_missing_fields_and_an_id_of_zero_do_not_hide_an_object(tmp_path: Path) -> None:
    bare = annotation_file(tmp_path, [{"id": 0, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 20]}])
    found = evaluate(bare, [{"image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 20], "score": 0.5}])
    assert found["AP"] == found["APs"] == pytest.approx(100)  # 40 x 20 is below 32 x 32


def test_detection_of_an_unknown_image_is_refused_by_name(tmp_path: Path) -> None:
    found = [{"image_id": 42, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.5}]
    with pytest.raises(EvaluationError, match=r"annotations\.json: a detection is of image 42"):
        evaluate(annotation_file(tmp_path, []), found)


def test_rounding_what_is_kept_moves_no_ap_by_a_thousandth() -> None:
    before, after = (
        evaluate(SMALL, found) for found in (unrounded_detections(), [rounded(one) for one in unrounded_detections()])
    )
    assert before != evaluate(SMALL, small_detections())  # the digits that are dropped do matter to a box
    assert after == pytest.approx(before, abs=1e-3)


def test_kept_detections_come_back_and_equal_ones_make_equal_bytes(tmp_path: Path) -> None:
    found = small_detections()
    for name in ("one.json.gz", "two.json.gz"):
        kept.save(tmp_path / name, found)
    assert kept.read(tmp_path / "one.json.gz") == found
    assert (tmp_path / "one.json.gz").read_bytes() == (tmp_path / "two.json.gz").read_bytes()
    assert (tmp_path / "one.json.gz").stat().st_size < (GOLDENS / "cocoeval_small_dt.json").stat().st_size / 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json.gz", "two.json.gz"]


def test_damaged_detections_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "detections.json.gz"
    kept.save(path, small_detections())
    for content in (path.read_bytes()[:1000], b"[]", b""):
        path.write_bytes(content)
        with pytest.raises(DetectionsError, match=r"detections\.json\.gz: .*evaluate the run again"):
            kept.read(path)


def test_results_are_corner_and_size_with_the_files_own_category_ids() -> None:
    found = Detections(torch.tensor([[1.252, 2.0, 11.256, 5.5]]), torch.tensor([0.1234567]), torch.tensor([1]))
    assert to_coco(found, 9, [1, 7]) == [
        {"image_id": 9, "category_id": 7, "bbox": [1.25, 2.0, 10.0, 3.5], "score": 0.12346}
    ]


def test_low_scores_keep_their_order_when_rounded() -> None:
    scores = [1.2345e-5, 1.2346e-5, 0.051234, 0.051235]
    assert [rounded({"bbox": [], "score": score})["score"] for score in scores] == scores


def pairs_of(predicted: list[float], iou: list[float]) -> QualityPairs:
    return QualityPairs(torch.tensor(predicted), torch.tensor(iou))


def test_correlation_is_pearsons_with_fishers_interval_and_spearmans() -> None:
    generator = torch.Generator().manual_seed(0)
    iou = torch.rand(200, generator=generator)
    predicted = (iou + 0.3 * torch.randn(200, generator=generator)).sigmoid()
    found = correlation(QualityPairs(predicted, iou))
    r = np.corrcoef(predicted.numpy().astype(float), iou.numpy().astype(float))[0, 1]
    ranks = np.stack([predicted.argsort().argsort().numpy(), iou.argsort().argsort().numpy()])
    reach = 1.959963984540054 / math.sqrt(200 - 3)
    assert found["count"] == 200
    assert found["pearson"] == pytest.approx(r, abs=1e-12)
    assert found["low"] == pytest.approx(math.tanh(math.atanh(r) - reach), abs=1e-9)
    assert found["high"] == pytest.approx(math.tanh(math.atanh(r) + reach), abs=1e-9)
    assert found["spearman"] == pytest.approx(np.corrcoef(ranks)[0, 1], abs=1e-12)


@pytest.mark.parametrize("pairs", [pairs_of([], []), pairs_of([0.5], [0.5]), pairs_of([0.5, 0.5], [0.1, 0.9])])
def test_correlation_that_is_not_defined_is_null(pairs: QualityPairs) -> None:
    found = correlation(pairs)
    assert found == {"count": len(pairs.iou), "pearson": None, "low": None, "high": None, "spearman": None}


def test_three_pairs_have_a_correlation_but_no_interval() -> None:
    found = correlation(pairs_of([0.1, 0.2, 0.4], [0.2, 0.4, 0.8]))
    assert found["pearson"] == pytest.approx(1.0)
    assert (found["low"], found["high"]) == (None, None)


@pytest.mark.parametrize("images", [1, 4])
def test_inference_gives_every_image_its_own_boxes_whatever_the_batch(images: int) -> None:
    detector = StandIn()
    batches = list(batches_from(0, 3, images))
    found = infer(
        detector, batches, device=torch.device("cpu"), precision=Precision.fp32, category_ids=[3, 5, 8], total=12
    )
    with torch.no_grad():
        expected = [
            row
            for batch in batches
            for number, one in zip(batch.image_ids, detector.predict(detector(batch.images), batch), strict=True)
            for row in to_coco(one, number, [3, 5, 8])
        ]
    assert found == expected
    assert {one["category_id"] for one in found} <= {3, 5, 8}


def test_inference_leaves_no_dropout_on() -> None:
    def detect() -> Found:
        return infer(
            StandIn(dropout=0.9), [random_batch(0)], device=torch.device("cpu"), precision=Precision.bf16,
            category_ids=[1, 2, 3],
        )

    assert detect() == detect()
