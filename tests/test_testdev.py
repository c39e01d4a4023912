"""``mode=testdev`` leaves what COCO's evaluation server takes, for images whose annotations nobody has."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.data.coco import CocoDataset, DataError, Split, validate
from gfl_bench.data.transforms import evaluation_transform
from gfl_bench.engine.checkpoint import save
from gfl_bench.engine.optimizer import build_optimizer
from gfl_bench.engine.state import capture
from gfl_bench.evaluate.detections import save_submission
from gfl_bench.models.build import build_detector
from gfl_bench.results.record import RunFolder
from gfl_bench.run import perform

NAME = "detections_test-dev2017_gfl_bench_results"
FOUND = [{"image_id": 11, "category_id": 3, "bbox": [1.25, 2.5, 10.0, 3.5], "score": 0.12346}]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images and COCO's file about them, which has images and categories only."""
    rng = np.random.default_rng(0)
    content: dict[str, Any] = {"info": {}, "licenses": [], "images": [], "categories": [{"id": 3, "name": "a"},
                                                                                        {"id": 7, "name": "b"}]}
    for number in (11, 12):
        Image.fromarray(rng.integers(0, 256, (64, 96, 3), np.uint8)).save(tmp_path / f"{number}.jpg")
        content["images"].append({"id": number, "file_name": f"{number}.jpg", "width": 96, "height": 64})
    path = tmp_path / "image_info_test-dev2017.json"
    path.write_text(json.dumps(content))
    return path


def config_of(images: Path, *overrides: str) -> Config:
    return compose_config([
        "scale=smoke", "data=coco", f"data.val.images={images.parent}", f"data.val.annotations={images}",
        "data.size=64", "detector.postprocess.score_threshold=0", "machine.device=cpu",
        f"paths.runs={images.parent / 'runs'}", *overrides,
    ])  # fmt: skip


def a_checkpoint(images: Path) -> Path:
    config = config_of(images)
    detector, path = build_detector(config, 2, seed=0), images.parent / "checkpoint.pt"
    optimizer = build_optimizer(detector, config.schedule, config.detector.recipe)
    save(path, capture(detector, optimizer, run="any", step=0, seconds=0.0))
    return path


def test_a_checkpoint_alone_makes_the_submission_and_a_record_without_metrics(
    images: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = config_of(images, "mode=testdev", f"checkpoint={a_checkpoint(images)}")
    with caplog.at_level("INFO"):
        assert perform(config, None, "python -m gfl_bench.run mode=testdev") == "done"
    (folder,) = images.parent.glob("runs/testdev-*/seed0")
    assert str(folder / f"{NAME}.zip") in caplog.text
    record = RunFolder(folder).result()
    assert isinstance(record, dict) and record["state"] == "done"
    assert set(record["metrics"].values()) == {None} and record["quality"] is None and record["speed"] is None
    results = COCO(str(images)).loadRes(str(folder / f"{NAME}.json"))
    found = json.loads((folder / f"{NAME}.json").read_text())
    assert len(results.getAnnIds()) == len(found) > 0
    assert {one["image_id"] for one in found} == {11, 12} and {one["category_id"] for one in found} <= {3, 7}
    x, y, width, height = torch.tensor([one["bbox"] for one in found]).unbind(dim=1)
    assert min(x.min(), y.min()) >= 0 and (x + width).max() <= 96.01 and (y + height).max() <= 64.01


def test_the_archive_holds_one_file_of_coco_s_name_and_is_the_same_every_time(tmp_path: Path) -> None:
    annotations = Path("annotations/image_info_test-dev2017.json")
    archive = save_submission(tmp_path, annotations, FOUND)
    first = archive.read_bytes()
    with zipfile.ZipFile(archive) as content:
        assert content.namelist() == [f"{NAME}.json"]
        assert json.loads(content.read(f"{NAME}.json")) == FOUND
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{NAME}.json", f"{NAME}.zip"]
    save_submission(tmp_path, annotations, FOUND)
    assert archive.read_bytes() == first


@pytest.mark.parametrize(("file", "testset"), [
    ("image_info_test2017", "test2017"), ("instances_val2017", "val2017"), ("mine", "mine"),
])  # fmt: skip
def test_a_submission_is_named_after_its_test_set(tmp_path: Path, file: str, testset: str) -> None:
    archive = save_submission(tmp_path, tmp_path / f"{file}.json", [])
    assert archive.name == f"detections_{testset}_gfl_bench_results.zip"


def test_a_checkpoint_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"mode=testdev needs checkpoint=FILE"):
        compose_config(["mode=testdev"])


def test_annotations_may_be_absent_where_this_is_said_alone(images: Path) -> None:
    unannotated = Split(images.parent, images, annotated=False)
    validate(unannotated)
    dataset = CocoDataset(unannotated, evaluation_transform(config_of(images).data), training=False)
    assert len(dataset) == 2 and dataset.category_ids == [3, 7]
    assert len(dataset[0].boxes) == 0 and dataset[0].labels.dtype == torch.int64
    with pytest.raises(DataError, match=r"has no list 'annotations'; .*mode=testdev for a test set"):
        validate(Split(images.parent, images))


def test_a_test_set_without_images_is_refused_too(images: Path) -> None:
    images.write_text(json.dumps({"images": [], "categories": [{"id": 3, "name": "a"}]}))
    with pytest.raises(DataError, match="the split is empty"):
        validate(Split(images.parent, images, annotated=False))
