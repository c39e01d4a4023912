"""What becomes of the images and boxes of a COCO file: labels, crowds, boxes without area, images of every kind."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO

from gfl_bench.config.schema import DataConfig
from gfl_bench.data.coco import CocoDataset, Split, validate
from gfl_bench.data.transforms import evaluation_transform

SHARED = Path(__file__).parents[2] / "shared" / "data"
CATEGORIES = [{"id": 7, "name": "dog"}, {"id": 2, "name": "cat"}, {"id": 90, "name": "brush"}]


def keep(sample: dict[str, Any]) -> dict[str, Any]:
    return sample


def write_split(folder: Path, boxes: list[dict[str, Any]], size: tuple[int, int] = (64, 48), images: int = 1) -> Split:
    """A set of equal images, (width, height) ``size``; ``boxes`` are of the first unless they say otherwise."""
    listed = []
    for number in range(1, images + 1):
        Image.new("RGB", size, (10, 20, 30)).save(folder / f"{number}.png")
        listed.append({"id": number, "file_name": f"{number}.png", "width": size[0], "height": size[1]})
    annotations = [
        {"id": n, "image_id": 1, "category_id": 7, "iscrowd": 0, "area": box["bbox"][2] * box["bbox"][3], **box}
        for n, box in enumerate(boxes, start=1)
    ]
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": listed, "annotations": annotations, "categories": CATEGORIES}))
    return Split(folder, path)


def test_category_ids_with_gaps_become_labels_in_the_order_of_the_ids(tmp_path: Path) -> None:
    split = write_split(tmp_path, [{"bbox": [1, 1, 9, 9], "category_id": one} for one in (90, 2, 7)])
    dataset = CocoDataset(split, keep, training=True)
    assert dataset.category_ids == [2, 7, 90]
    assert dataset.class_names == ["cat", "dog", "brush"]
    assert dataset[0].labels.tolist() == [2, 0, 1]


def test_crowds_become_ignored_boxes(tmp_path: Path) -> None:
    split = write_split(tmp_path, [{"bbox": [1, 1, 9, 9]}, {"bbox": [20, 20, 10, 10], "iscrowd": 1}])
    sample = CocoDataset(split, keep, training=True)[0]
    assert sample.boxes.tolist() == [[1, 1, 10, 10]]
    assert sample.ignored_boxes.tolist() == [[20, 20, 30, 30]]


def test_boxes_reaching_over_the_border_are_clipped_to_the_image(tmp_path: Path) -> None:
    split = write_split(tmp_path, [{"bbox": [-5, 40, 20, 30]}])
    assert CocoDataset(split, keep, training=True)[0].boxes.tolist() == [[0, 40, 15, 48]]


UNUSABLE = {
    "zero area": {"bbox": [5, 5, 0, 0]},
    "narrow": {"bbox": [5, 5, 0.5, 9]},
    "flat": {"bbox": [5, 5, 9, 0.5]},
    "negative width": {"bbox": [20, 20, -9, -9], "area": 81},
    "no area given": {"bbox": [5, 5, 9, 9], "area": 0},
    "outside": {"bbox": [64, 5, 9, 9]},
    "above": {"bbox": [5, -20, 9, 9]},
}


@pytest.mark.parametrize("box", UNUSABLE.values(), ids=UNUSABLE)
def test_a_box_without_area_in_the_image_is_left_out_and_counted_once(
    box: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    split = write_split(tmp_path, [{"bbox": [1, 1, 9, 9]}, box])
    with caplog.at_level(logging.WARNING):
        validate(split)
        dataset = CocoDataset(split, keep, training=True)
    assert dataset[0].boxes.tolist() == [[1, 1, 10, 10]]
    (record,) = caplog.records
    assert "left out 1 boxes" in record.getMessage()
    assert "annotations 2" in record.getMessage()
    assert str(split.annotations) in record.getMessage()


def test_training_leaves_out_images_without_boxes_and_evaluation_keeps_them(tmp_path: Path) -> None:
    boxes = [{"bbox": [1, 1, 9, 9]}, {"bbox": [1, 1, 9, 9], "iscrowd": 1, "image_id": 2}]
    split = write_split(tmp_path, boxes, images=3)
    assert [one.id for one in CocoDataset(split, keep, training=True).records] == [1]
    evaluation = CocoDataset(split, keep, training=False)
    assert [one.id for one in evaluation.records] == [1, 2, 3]
    assert evaluation[2].boxes.shape == (0, 4)
    assert evaluation[2].ignored_boxes.shape == (0, 4)


@pytest.mark.parametrize(("size", "kept"), [((32, 32), True), ((31, 64), False), ((64, 31), False)])
def test_training_leaves_out_images_of_less_than_32_pixels(size: tuple[int, int], kept: bool, tmp_path: Path) -> None:
    split = write_split(tmp_path, [{"bbox": [1, 1, 9, 9]}], size=size)
    assert len(CocoDataset(split, keep, training=False)) == 1
    if kept:
        assert len(CocoDataset(split, keep, training=True)) == 1
    else:
        with pytest.raises(ValueError, match="no image has a box to learn"):
            CocoDataset(split, keep, training=True)


def test_an_annotation_needs_neither_area_nor_iscrowd(tmp_path: Path) -> None:
    split = write_split(tmp_path, [{"bbox": [1, 1, 9, 9]}])
    content = json.loads(split.annotations.read_text())
    content["annotations"] = [{"id": 0, "image_id": 1, "category_id": 7, "bbox": [1, 1, 9, 9]}]
    split.annotations.write_text(json.dumps(content))
    assert len(CocoDataset(split, keep, training=True)[0].boxes) == 1


def test_reading_says_nothing_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validate(write_split(tmp_path, [{"bbox": [1, 1, 9, 9]}]))
    assert capsys.readouterr().out == ""


# --- images of every kind ---------------------------------------------------------------------------------------------


def one_image(folder: Path, name: str, width: int, height: int) -> CocoDataset:
    content = {
        "images": [{"id": 5, "file_name": name, "width": width, "height": height}],
        "annotations": [],
        "categories": CATEGORIES,
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return CocoDataset(Split(folder, folder / "instances.json"), keep, training=False)


RAMP = np.linspace(0, 255, 60).astype(np.uint8).reshape(6, 10)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16", "I", "RGB"])
def test_images_of_every_mode_are_read_as_rgb(mode: str, tmp_path: Path) -> None:
    if mode.startswith("I"):  # 16 bits, as a depth or an X-ray image has them
        image = Image.fromarray(RAMP.astype(np.uint16 if mode == "I;16" else np.int32) * 257)
    else:
        image = Image.fromarray(RAMP).convert(mode)
    name = "a.tif" if mode in ("CMYK", "I") else "a.png"
    image.save(tmp_path / name)
    pixels = one_image(tmp_path, name, 10, 6)[0].image
    expected = np.asarray(Image.fromarray(RAMP).convert(mode).convert("L")) if mode == "1" else RAMP
    assert (pixels.shape, pixels.dtype) == ((3, 6, 10), torch.uint8)
    assert (pixels.numpy().astype(int) - expected).tolist() == np.zeros((3, 6, 10)).tolist()


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path: Path) -> None:
    Image.fromarray(RAMP).convert("P").save(tmp_path / "a.png", transparency=bytes([0, 128, 255]))
    assert one_image(tmp_path, "a.png", 10, 6)[0].image.shape == (3, 6, 10)


def test_a_cmyk_jpeg_is_read_as_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (10, 6), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    red, green, blue = one_image(tmp_path, "a.jpg", 10, 6)[0].image.flatten(1).float().mean(1)
    assert red > 240
    assert max(green, blue) < 15


@pytest.mark.parametrize(("annotated", "upright"), [((10, 6), False), ((6, 10), True)])
def test_exif_rotation_is_applied_only_where_the_annotated_size_asks_for_it(
    annotated: tuple[int, int], upright: bool, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying; to be shown turned clockwise by 90 degrees
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    pixels = one_image(tmp_path, "a.png", *annotated)[0].image[0].numpy()
    assert np.array_equal(pixels, np.rot90(RAMP, -1) if upright else RAMP)


# --- real data --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (SHARED / "bccd").is_dir(), reason="needs ../shared/data/bccd")
def test_two_boxes_of_blood_cells_without_area_are_left_out_by_name(caplog: pytest.LogCaptureFixture) -> None:
    split = Split(SHARED / "bccd" / "images", SHARED / "bccd" / "annotations" / "instances_all_with_defects.json")
    with caplog.at_level(logging.WARNING):
        dataset = CocoDataset(split, evaluation_transform(DataConfig(name="any", size=320)), training=False)
        validate(split)
    assert sum(len(one.boxes) for one in dataset.records) == 4886
    assert [record.getMessage().split("left out ")[1] for record in caplog.records] == [
        "2 boxes without area inside their image (annotations 3951, 4005)"
    ]
    assert dataset[0].image.shape == (3, 320, 427)


@pytest.mark.skipif(not (SHARED / "coco_permissive").is_dir(), reason="needs ../shared/data/coco_permissive")
def test_every_photograph_of_coco_loads_with_pycocotools_boxes(capsys: pytest.CaptureFixture[str]) -> None:
    folder = SHARED / "coco_permissive"
    split = Split(folder / "images" / "val2017", folder / "annotations" / "instances_val2017.json")
    reference = COCO(str(split.annotations))
    for sample in CocoDataset(split, keep, training=False):
        own = reference.loadAnns(reference.getAnnIds(sample.image_id, iscrowd=False))
        expected = torch.tensor([one["bbox"] for one in own]).reshape(-1, 4)
        expected[:, 2:] += expected[:, :2]
        torch.testing.assert_close(sample.boxes, expected, rtol=0, atol=0.011)
        crowds = reference.getAnnIds(sample.image_id, iscrowd=True)
        assert len(sample.ignored_boxes) == len(crowds)
