"""Generated crowds: people who hide each other, annotated as CrowdHuman is, beside scenes that stay what they were."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Crowds
from gfl_bench.data.classes import classes_of
from gfl_bench.data.coco import CocoDataset
from gfl_bench.data.crowdhuman.odgt import Body
from gfl_bench.data.loader import prepare
from gfl_bench.data.scenes.content import SceneSettings
from gfl_bench.data.scenes.crowds.content import CrowdSettings
from gfl_bench.data.scenes.crowds.crowd import LEAST_SEEN, CrowdScene, render_crowd
from gfl_bench.data.scenes.crowds.figure import draw_figure
from gfl_bench.data.transforms import evaluation_transform

SIZE = 160


@pytest.fixture(scope="module")
def scenes() -> list[CrowdScene]:
    return [render_crowd(0, 0, index, SIZE) for index in range(60)]


def bodies(scenes: list[CrowdScene], ignored: bool = False) -> list[Body]:
    return [body for scene in scenes for body in scene.labels if body.ignored == ignored]


def area(box: tuple[float, ...] | None) -> float:
    return 0.0 if box is None else box[2] * box[3]


def test_a_crowd_is_a_function_of_seed_split_and_index() -> None:
    first = render_crowd(0, 0, 7, 96)
    assert first.image.shape == (96, 96, 3)
    assert np.array_equal(first.image, render_crowd(0, 0, 7, 96).image)
    for other in (render_crowd(1, 0, 7, 96), render_crowd(0, 1, 7, 96), render_crowd(0, 0, 8, 96)):
        assert not np.array_equal(first.image, other.image)


def test_people_hide_each_other(scenes: list[CrowdScene]) -> None:
    pairs = 0
    for scene in scenes:
        full = np.array([body.full for body in scene.labels if not body.ignored])
        pairs += int((np.triu(mask.iou(full, full, [0] * len(full)), 1) > 0.5).sum())
    assert pairs / len(scenes) > 1
    assert len(bodies(scenes)) / len(scenes) > 5
    hidden = [area(body.visible) < 0.65 * area(body.full) for body in bodies(scenes)]
    assert 0.1 < np.mean(hidden) < 0.6


def test_full_boxes_reach_outside_the_image_and_visible_ones_do_not(scenes: list[CrowdScene]) -> None:
    full = np.array([body.full for body in bodies(scenes)])
    ends = full[:, :2] + full[:, 2:]
    assert (ends[:, 1] > SIZE + 5).mean() > 0.05 and (full[:, 0] < -1).any()
    for body in bodies(scenes):
        assert body.visible is not None
        x, y, width, height = body.visible
        assert min(x, y) >= 0 and max(x + width, y + height) <= SIZE
        assert body.full[0] - 0.6 <= x and x + width <= body.full[0] + body.full[2] + 0.6
        assert body.full[1] - 0.6 <= y and y + height <= body.full[1] + body.full[3] + 0.6


def test_a_figure_is_upright_with_its_head_at_the_top() -> None:
    rng = np.random.default_rng(0)
    for height in (20.0, 60.0, 150.0):
        figure = draw_figure(rng, height)
        width, tall = figure.box[2:] - figure.box[:2]
        assert abs(tall - height) < 0.08 * height + 1 and 0.2 < width / tall < 0.8
        assert figure.head[3] < figure.box[1] + 0.25 * tall


def test_what_can_hardly_be_seen_or_is_no_person_is_ignored(scenes: list[CrowdScene]) -> None:
    ignored = bodies(scenes, ignored=True)
    regions = [body for body in ignored if body.full == body.visible and body.full[2] > 1.5 * body.full[3]]
    hidden = [body for body in ignored if area(body.visible) < 2 * LEAST_SEEN * area(body.full)]
    assert len(regions) > 5 and len(hidden) > 5


def test_crowds_are_a_data_option_of_one_class_whose_boxes_stay_whole(tmp_path: Path) -> None:
    config = compose_config(["data=crowds", "data.size=96", "data.train_images=2", "data.val_images=4"])
    data = config.data
    assert isinstance(data, Crowds)
    dataset = CocoDataset(prepare(data, tmp_path)["val"], evaluation_transform(data), training=False)
    assert dataset.class_names == classes_of(data).names == ["person"]
    stored = json.loads(dataset.split.annotations.read_text())
    first = [one["bbox"] for one in stored["annotations"] if one["image_id"] == 1 and not one["iscrowd"]]
    boxes = np.concatenate([dataset[0].boxes[:, :2], dataset[0].boxes[:, 2:] - dataset[0].boxes[:, :2]], axis=1)
    assert boxes == pytest.approx(np.array(first), abs=1e-3)


def test_scenes_are_kept_where_they_were_and_crowds_beside_them() -> None:
    settings = SceneSettings(160, 2000, 400, 0)
    assert settings.folder_name() == "scenes-160px-da317799ef69"  # as published records were measured on
    assert CrowdSettings(**asdict(settings)).folder_name().startswith("scenes-crowds-160px-")
