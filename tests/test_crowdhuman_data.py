"""CrowdHuman's files become batches: which boxes are ignored, which stay whole, and what is said of missing files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import CrowdHuman, SplitConfig
from gfl_bench.data.coco import CocoDataset
from gfl_bench.data.crowdhuman import folder as official
from gfl_bench.data.crowdhuman.__main__ import FOLDER, main
from gfl_bench.data.crowdhuman.folder import IMAGES, SPLITS, OfficialSplit
from gfl_bench.data.crowdhuman.odgt import read_odgt
from gfl_bench.data.error import DataError
from gfl_bench.data.loader import prepare
from gfl_bench.data.transforms import evaluation_transform, training_transform

WHOLE = [-10, 20, 30, 90]  # beyond the left border of an image 80 wide, and below one 60 high
FEW = (OfficialSplit("train", 2, ("one.zip", "two.zip")), OfficialSplit("val", 1, ("three.zip",)))


def box(full: list[float], tag: str = "person", **extra: int) -> dict[str, Any]:
    return {"tag": tag, "fbox": full, "vbox": [0, 20, 20, 40], "hbox": [0, 20, 9, 9], "extra": extra}


BOXES = [box(WHOLE, box_id=0), box([5, 5, 20, 40], ignore=1), box([40, 5, 20, 20], tag="mask"), box([50, 9, 9, 30])]


def a_folder(place: Path, images: bool = True) -> Path:
    """Two training images, one of them high, and one for validation; the official names."""
    (place / IMAGES).mkdir(parents=True)
    for name, ids in (("train", ("273271,a", "273271,b")), ("val", ("273275,c",))):
        lines = [json.dumps({"ID": one, "gtboxes": BOXES}) for one in ids]
        (place / f"annotation_{name}.odgt").write_text("\n".join(lines))
        for one in ids if images else ():
            Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(place / IMAGES / f"{one}.jpg")
    return place


def data_of(place: Path) -> CrowdHuman:
    train, val = (SplitConfig(str(place / IMAGES), str(place / split.annotations)) for split in SPLITS)
    return CrowdHuman(size=30, max_size=60, train=train, val=val)


@pytest.fixture
def data(tmp_path: Path) -> CrowdHuman:
    return data_of(a_folder(tmp_path / "crowdhuman"))


def test_the_full_box_is_learnt_and_what_is_no_person_or_marked_is_ignored(data: CrowdHuman, tmp_path: Path) -> None:
    split = prepare(data, tmp_path / "cache")["val"]
    dataset = json.loads(split.annotations.read_text())
    assert [one["iscrowd"] for one in dataset["annotations"]] == [0, 1, 1, 0]
    assert [one["bbox"] for one in dataset["annotations"]] == [one["fbox"] for one in BOXES]
    assert (dataset["annotations"][0]["vbox"], dataset["annotations"][0]["hbox"]) == ([0, 20, 20, 40], [0, 20, 9, 9])
    assert dataset["images"] == [{"id": 1, "file_name": "273275,c.jpg", "width": 80, "height": 60}]


def test_boxes_that_reach_outside_the_image_stay_whole_through_every_transform(
    data: CrowdHuman, tmp_path: Path
) -> None:
    split = prepare(data, tmp_path / "cache")["train"]
    sample = CocoDataset(split, evaluation_transform(data), training=True)[0]
    assert sample.boxes[0].tolist() == [-5, 10, 10, 55]
    data.flip = 1.0
    mirrored = CocoDataset(split, training_transform(data), training=True)[0]
    assert mirrored.boxes[0].tolist() == [30, 10, 45, 55]
    assert len(sample.ignored_boxes) == 2
    assert torch.equal(sample.labels, torch.zeros(2, dtype=torch.int64))


def test_the_annotations_are_converted_once_and_again_when_they_change(data: CrowdHuman, tmp_path: Path) -> None:
    first = prepare(data, tmp_path, ("val",))["val"].annotations
    written = first.stat().st_mtime_ns
    assert prepare(data, tmp_path, ("val",))["val"].annotations == first and first.stat().st_mtime_ns == written
    source = Path(data.val.annotations)
    source.write_text(source.read_text().replace('"box_id": 0', '"ignore": 1'))
    other = prepare(data, tmp_path, ("val",))["val"].annotations
    assert other != first and sum(one["iscrowd"] for one in json.loads(other.read_text())["annotations"]) == 3


def test_an_image_that_says_it_is_turned_has_the_size_that_it_is_shown_with(tmp_path: Path) -> None:
    place = a_folder(tmp_path / "crowdhuman")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(np.zeros((80, 60, 3), np.uint8)).save(place / IMAGES / "273275,c.jpg", exif=turned)
    data = data_of(place)
    dataset = CocoDataset(prepare(data, tmp_path, ("val",))["val"], evaluation_transform(data), training=False)
    assert dataset[0].image.shape == (3, 30, 40)


def test_a_complete_folder_is_prepared_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(official, "SPLITS", FEW)
    place = a_folder(tmp_path / "crowdhuman")
    main([str(place), "--cache", str(tmp_path / "cache")])
    said = capsys.readouterr().out
    assert "train: 2 images, 4 persons, 4 ignored boxes" in said and "val: 1 images, 2 persons" in said
    assert len(list((tmp_path / "cache" / "crowdhuman").iterdir())) == 2


def test_what_is_missing_is_said_with_what_to_fetch_and_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official, "SPLITS", FEW)
    place = a_folder(tmp_path / "crowdhuman", images=False)
    (place / "annotation_val.odgt").unlink()
    (place / "one.zip").touch()
    with pytest.raises(SystemExit) as refused:
        main([str(place)])
    images, annotations = str(refused.value.code).splitlines()
    assert images.startswith(f"2 of the 2 train images are not in {place / IMAGES}, such as 273271,a.jpg: ")
    assert "jpg: fetch two.zip from https://" in images  # the other archive lies there
    assert f"unzip -n {place}/one.zip -d {place}" in images
    assert annotations.startswith(f"{place}/annotation_val.odgt is not there: fetch annotation_val.odgt from https://")


def test_of_an_empty_folder_every_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        main([str(tmp_path)])
    said = str(refused.value.code)
    assert all(name in said for split in SPLITS for name in (split.annotations, *split.archives))
    assert (said.count("is not there"), "15000 train images" in said, "4370 val images" in said) == (4, True, True)


def test_a_run_without_the_data_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"annotation_train\.odgt.*python -m gfl_bench\.data\.crowdhuman"):
        prepare(data_of(tmp_path), tmp_path / "cache")
    with pytest.raises(DataError, match=r"2 of the 2 images of annotation_train\.odgt.*273271,a\.jpg"):
        prepare(data_of(a_folder(tmp_path / "crowdhuman", images=False)), tmp_path / "cache")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 2"), ('{"ID": "a"}', "gtboxes"), ('{"ID": 3, "gtboxes": []}', "ID must be a text"),
        ('{"ID": "a", "gtboxes": [{"tag": "person"}]}', "no fbox"),
        ('{"ID": "a", "gtboxes": [{"tag": "person", "fbox": [0, 0, NaN, 3]}]}', "no fbox"),
    ],
)  # fmt: skip
def test_a_damaged_line_is_named(line: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "annotation_val.odgt"
    path.write_text('{"ID": "one", "gtboxes": []}\n' + line)
    with pytest.raises(DataError, match=named):
        read_odgt(path)


def test_the_option_is_the_recipe_of_section_4_5_and_looks_where_prepare_does() -> None:
    config = compose_config(["data=crowdhuman", "schedule=crowdhuman", "scale=paper"])
    assert isinstance(config.data, CrowdHuman)
    assert (config.data.size, config.data.max_size) == (800, 1400)
    schedule = config.schedule
    assert (schedule.epochs, schedule.decay_epochs, schedule.decay, schedule.batch_size) == (20, [16], 0.1, 4)
    for split in SPLITS:
        paths = getattr(config.data, split.name)
        assert (Path(paths.images), Path(paths.annotations)) == (FOLDER / IMAGES, FOLDER / split.annotations)
