"""Data that cannot be used stops with one sentence that names the file, the id and the cause."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gfl_bench.config.schema import COCO, DataConfig, SplitConfig
from gfl_bench.data.coco import CocoDataset, DataError, Split, validate
from gfl_bench.data.loader import eval_batches, prepare, train_batches
from gfl_bench.data.transforms import evaluation_transform

Content = dict[str, Any]


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Three sound images with a box each."""
    rng = np.random.default_rng(0)
    content: Content = {"images": [], "annotations": [], "categories": [{"id": 3, "name": "thing"}]}
    for number in (11, 12, 13):
        Image.fromarray(rng.integers(0, 256, (40, 64, 3), np.uint8)).save(tmp_path / f"{number}.jpg")
        content["images"].append({"id": number, "file_name": f"{number}.jpg", "width": 64, "height": 40})
        content["annotations"].append(
            {"id": number + 10, "image_id": number, "category_id": 3, "bbox": [5, 5, 20, 20], "area": 400, "iscrowd": 0}
        )
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return Split(tmp_path, tmp_path / "instances.json")


def dataset_of(split: Split) -> CocoDataset:
    return CocoDataset(split, evaluation_transform(DataConfig(name="any", size=40)), training=False)


def change(split: Split, edit: Callable[[Content], object]) -> None:
    content = json.loads(split.annotations.read_text())
    edit(content)
    split.annotations.write_text(json.dumps(content))


def refusal(call: Callable[[], object]) -> str:
    """The message of the DataError that ``call`` raises; it is one line."""
    with pytest.raises(DataError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_sound_split_is_accepted(split: Split) -> None:
    validate(split)
    assert len(list(eval_batches(dataset_of(split), batch_size=2, workers=0))) == 2


# --- annotations ------------------------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[Callable[[Content], object], list[str]]] = {
    "an orphaned annotation": (lambda c: c["annotations"][1].update(image_id=99), ["annotation 22", "image 99"]),
    "an unknown category": (lambda c: c["annotations"][1].update(category_id=4), ["annotation 22", "category 4"]),
    "a double annotation id": (lambda c: c["annotations"][1].update(id=21), ["id 21", "'annotations'"]),
    "a double image id": (lambda c: c["images"][1].update(id=11), ["id 11", "'images'", "more than once"]),
    "a double category id": (lambda c: c["categories"].append({"id": 3, "name": "b"}), ["id 3", "'categories'"]),
    "a NaN in a box": (lambda c: c["annotations"][1].update(bbox=[float("nan"), 1, 2, 3]), ["annotation 22", "nan"]),
    "an infinite box": (lambda c: c["annotations"][1].update(bbox=[0, 1, float("inf"), 3]), ["annotation 22", "inf"]),
    "a NaN area": (lambda c: c["annotations"][1].update(area=float("nan")), ["annotation 22", "nan"]),
    "a box of three numbers": (lambda c: c["annotations"][1].update(bbox=[1, 2, 3]), ["annotation 22", "[1, 2, 3]"]),
    "a box of words": (lambda c: c["annotations"][1].update(bbox=["1", 2, 3, 4]), ["annotation 22", "'1'"]),
    "no box": (lambda c: c["annotations"][1].pop("bbox"), ["id 22", "no 'bbox'"]),
    "no id": (lambda c: c["images"][1].pop("id"), ["number 1", "no 'id'"]),
    "no width": (lambda c: c["images"][1].pop("width"), ["id 12", "no 'width'"]),
    "a width of zero": (lambda c: c["images"][1].update(width=0), ["image 12", "12.jpg", "0 x 40"]),
    "an id that is a word": (lambda c: c["images"][1].update(id="12"), ["'images'", "'12'", "not an integer"]),
    "an entry that is no object": (lambda c: c["annotations"].append(5), ["number 3", "'annotations'"]),
    "no categories": (lambda c: c.pop("categories"), ["no list 'categories'"]),
    "an empty split": (lambda c: c.update(images=[], annotations=[]), ["the split is empty"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_annotations_are_refused_for(name: str, split: Split) -> None:
    edit, words = BROKEN[name]
    change(split, edit)
    message = refusal(lambda: validate(split))
    assert message.startswith(f"{split.annotations}: ")
    assert [word for word in words if word not in message] == []
    assert refusal(lambda: dataset_of(split)) == message


@pytest.mark.parametrize("content", [b'{"images": [', b"", b"\xff\xfe\x00", b"[1, 2]"])
def test_a_file_that_is_no_coco_json_is_named(content: bytes, split: Split) -> None:
    split.annotations.write_bytes(content)
    message = refusal(lambda: validate(split))
    assert message.startswith(f"{split.annotations}: ")
    assert "JSON" in message


def test_a_missing_annotation_file_is_named(split: Split) -> None:
    split.annotations.unlink()
    assert refusal(lambda: validate(split)).startswith(f"{split.annotations}: the annotation file does not exist")


def test_a_folder_in_place_of_the_annotation_file_is_named(split: Split) -> None:
    message = refusal(lambda: validate(Split(split.images, split.images)))
    assert message.startswith(f"{split.images}: the annotation file cannot be read")


# --- images -----------------------------------------------------------------------------------------------------------


def test_a_missing_images_folder_is_named(split: Split) -> None:
    message = refusal(lambda: validate(Split(split.images / "nowhere", split.annotations)))
    assert message.startswith(f"{split.images / 'nowhere'}: the images folder does not exist")


def test_a_missing_image_stops_before_training_with_its_id(split: Split) -> None:
    (split.images / "12.jpg").unlink()
    paths = SplitConfig(str(split.images), str(split.annotations))
    message = refusal(lambda: prepare(COCO(train=paths, val=paths), split.images))
    assert message.startswith(f"{split.images / '12.jpg'}: the file of image 12 ")


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-600])


def _text(path: Path) -> None:
    path.write_text("this is not an image")


def _other_size(path: Path) -> None:
    Image.new("RGB", (64, 41)).save(path)


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (_cut_off, "cannot be decoded"),
        (_text, "cannot be decoded"),
        (_other_size, "is 64 x 41 pixels but its annotations say 64 x 40"),
        (_gone, "does not exist"),
    ],
)
def test_a_broken_image_is_named_when_it_is_loaded_also_by_a_worker(
    damage: Callable[[Path], None], cause: str, workers: int, split: Split
) -> None:
    dataset = dataset_of(split)
    validate(split)
    damage(split.images / "12.jpg")
    message = refusal(lambda: list(eval_batches(dataset, batch_size=2, workers=workers)))
    assert message.startswith(f"{split.images / '12.jpg'}: ")
    assert "image 12" in message
    assert cause in message
    assert refusal(lambda: validate(split)) == message, "before training, too"
    training = train_batches(dataset, batch_size=3, seed=0, start_step=0, steps=5, workers=workers)
    assert refusal(lambda: list(training)) == message
