"""Pictures and detections of the evidence: the first images, and the flattest and sharpest sides of the split."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from observed import SIZE, Grey, a_batch, saved, seen
from PIL import Image
from test_every_detector import GFOCAL, OWN, built

from gfl_bench.evaluate.evidence import extremes
from gfl_bench.evaluate.evidence.rows import detections

every_detector = pytest.mark.parametrize(("name", "parts"), [(n, p) for n in OWN for p in (OWN[n], GFOCAL)])


@every_detector
def test_detections_of_the_examples_are_those_found_and_know_their_scores(
    name: str, parts: str, tmp_path: Path
) -> None:
    one = seen(built(name, parts), a_batch(0))
    arrays = saved(tmp_path, [one])
    for number, found in enumerate(one.found):
        mine = arrays["detection_example"] == number
        np.testing.assert_array_equal(arrays["detection_box"][mine], found.boxes)
        np.testing.assert_allclose(arrays["detection_score"][mine], found.scores, atol=1e-3)
        theirs = arrays["candidate_example"] == number
        score = arrays["candidate_score"][theirs]
        assert 0 < len(score) <= 300 and (np.diff(score.astype(float)) <= 0).all()
        assert found.scores[0].half().numpy() in score
    assert ("detection_distribution" in arrays) == ("flat_score" in arrays) == ("box=general_dfl" in parts)
    if name in ("atss", "fcos", "retinanet"):
        quality, alone = (arrays[f"detection_{key}"].astype(float) for key in ("quality", "class_score"))
        product = {"joint": quality, "none": alone, "centerness_branch": alone * quality}
        kind = parts.partition(" ")[0].removeprefix("quality=")
        np.testing.assert_allclose(arrays["detection_score"], product[kind], atol=2e-3)
        assert kind != "joint" or (quality < alone).all()


def test_a_distribution_and_its_location_make_the_box_that_was_detected(tmp_path: Path) -> None:
    batch = a_batch(0)
    batch.scale_factors = torch.full((2, 2), 0.5)
    arrays = saved(tmp_path, [seen(built("atss", GFOCAL), batch)])
    reach = arrays["detection_distribution"].astype(float) @ np.arange(17) * arrays["detection_stride"][:, None]
    corner = arrays["detection_location"][:, None] + [[-1], [1]] * reach.reshape(-1, 2, 2)
    limit = 2 * np.array(SIZE)
    clipped = np.clip(corner, 0, limit).reshape(-1, 4)
    inside = arrays["detection_example"] == 0  # the other image is narrower
    np.testing.assert_allclose(clipped[inside], arrays["detection_box"][inside], atol=1.0)


@pytest.mark.parametrize("shift", [-6.0, 2.0], ids=["hardly any sure", "many sure"])
def test_flat_and_sharp_are_the_extremes_of_the_whole_split(
    shift: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = built("atss", GFOCAL)
    many = [seen(detector, a_batch(seed), shift) for seed in range(6)]
    rows = [detections(one) for one in many]
    entropy, score = (np.concatenate([one[key] for one in rows]) for key in ("entropy", "score"))
    sure = score >= 0.3
    assert (sure.sum() >= 24) == (shift > 0)
    counted = sure if shift > 0 else score >= np.sort(score)[::-1][int(np.ceil(0.05 * len(score))) - 1]
    monkeypatch.setattr(extremes, "MOST", 100)  # what is kept meanwhile
    arrays = saved(tmp_path, many)
    wanted = np.sort(entropy[counted])
    each = min(12, len(wanted) // 2)
    for name, theirs in (("sharp", wanted[:each]), ("flat", wanted[::-1][:each])):
        p = arrays[f"{name}_distribution"].astype(float)
        found = -(p * np.log(np.where(p > 0, p, 1))).sum(-1).mean(-1)
        np.testing.assert_allclose(found, theirs, atol=2e-3)
        assert arrays[f"{name}_example"].tolist() == list(range(each))
        assert len(arrays[f"{name}_jpeg_end"]) == len(arrays[f"{name}_scale"]) == each


def test_pictures_are_those_of_the_first_images_made_small(tmp_path: Path) -> None:
    parts = [seen(built("atss", OWN["atss"]), a_batch(seed)) for seed in range(6)]
    arrays = saved(tmp_path, parts, Grey(800, 300))
    assert arrays["example_image_id"].tolist() == [1, 2, 11, 12, 21, 22, 31, 32]
    files = np.split(arrays["example_jpeg"], arrays["example_jpeg_end"])[:-1]
    for file, number in zip(files, arrays["example_image_id"], strict=True):
        image = Image.open(io.BytesIO(file.tobytes()))
        assert image.size == (320, 120) and abs(np.asarray(image).mean() - number) < 3
    assert (arrays["example_scale"] == np.float32(0.4)).all()


def test_ground_truths_of_pictures_are_those_of_their_images(tmp_path: Path) -> None:
    arrays = saved(tmp_path, [seen(built("atss", GFOCAL), a_batch(seed), 2.0) for seed in range(2)])
    for kind in ("example", "flat", "sharp"):
        ids = arrays[f"{kind}_image_id"]
        of = ids[arrays[f"{kind}_truth_example"]]
        np.testing.assert_array_equal(of, np.repeat(ids, ids % 10))
        np.testing.assert_array_equal(arrays[f"{kind}_truth_box"], of[:, None].repeat(4, axis=1))
        assert arrays[f"{kind}_truth_label"].tolist() == [label for image in ids for label in range(image % 10)]
