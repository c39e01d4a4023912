"""Generated scenes: reproducible, varied, and honest about how sure each side is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from gfl_bench.data.scenes.ambiguity import FLOOR, UNIFORM_WIDTH, Edges, Side, soften
from gfl_bench.data.scenes.clutter import veil
from gfl_bench.data.scenes.extent import transition, visible_box
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.data.scenes.scene import Label, Scene, render
from gfl_bench.data.scenes.shapes import CLASSES, draw_outline, rasterise


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [render(0, 0, index, 160) for index in range(200)]


@pytest.fixture(scope="module")
def labels(scenes: list[Scene]) -> list[Label]:
    return [label for scene in scenes for label in scene.labels]


def unsure(side: int, kind: Side, sigma: float) -> Edges:
    """Four sharp sides but one."""
    one = np.arange(4) == side
    return Edges(np.where(one, sigma, FLOOR), [kind if here else Side.sharp for here in one])


# --- reproducible -----------------------------------------------------------------------------------------------------


def test_a_scene_depends_on_seed_split_and_index_and_on_nothing_else() -> None:
    first = render(0, 0, 7, 96)
    np.random.default_rng(5).random(100)
    assert np.array_equal(first.image, render(0, 0, 7, 96).image)
    for other in (render(1, 0, 7, 96), render(0, 1, 7, 96), render(0, 0, 8, 96)):
        assert not np.array_equal(first.image, other.image)


# --- varied -----------------------------------------------------------------------------------------------------------


def test_small_medium_and_large_objects_by_coco_areas_all_have_a_fair_share(labels: list[Label]) -> None:
    area = np.array([np.prod(label.box[2:] - label.box[:2]) for label in labels])
    small, large = (area < 32**2).mean(), (area >= 96**2).mean()
    assert 0.3 < small < 0.5
    assert 0.1 < large < 0.3
    assert 0.3 < 1 - small - large < 0.5


def test_scenes_hold_one_to_ten_objects_of_all_classes_and_seldom_none(
    scenes: list[Scene], labels: list[Label]
) -> None:
    counts = np.array([len(scene.labels) for scene in scenes])
    assert 4 < counts.mean() < 5.5
    assert counts.max() <= 10
    assert (counts == 0).mean() < 0.04
    assert set(Counter(label.label for label in labels)) == set(range(len(NAMES)))


def test_every_kind_of_side_occurs(labels: list[Label]) -> None:
    kinds = Counter(kind for label in labels for kind in label.edges.kind)
    assert min(kinds[kind] for kind in Side) > 50


@pytest.mark.parametrize("name", CLASSES)
def test_members_of_a_class_differ_in_form_and_fill_the_box_they_were_asked_for(name: str) -> None:
    rng = np.random.default_rng(0)
    first, second = (rasterise(draw_outline(rng, name, 40.0), 0) for _ in range(2))
    assert first.shape != second.shape or not np.array_equal(first, second)
    assert first.shape[0] * first.shape[1] == pytest.approx(1600, rel=0.08)


# --- true about its sides ---------------------------------------------------------------------------------------------


def test_boxes_lie_inside_the_image_and_every_sigma_is_positive(labels: list[Label]) -> None:
    boxes = np.stack([np.concatenate([label.box, label.true_box]).reshape(2, 4) for label in labels])
    assert boxes.min() >= 0
    assert boxes.max() <= 160
    assert (boxes[..., 2:] - boxes[..., :2]).min() >= 4
    assert min(label.edges.sigma.min() for label in labels) >= FLOOR


def test_labels_are_as_far_from_the_true_edge_as_sigma_says(labels: list[Label]) -> None:
    for kind in (Side.sharp, Side.blur, Side.fade, Side.veil, Side.cut):
        distance = np.array([
            (label.box[side] - label.true_box[side]) / label.edges.sigma[side]
            for label in labels for side in range(4) if label.edges.kind[side] is kind
        ])
        assert abs(distance.mean()) < 5 / np.sqrt(len(distance)), kind
        assert 0.8 < distance.std() < 1.1, kind  # a little below 1: the image's border and the box's middle stop it


@pytest.mark.parametrize("side", range(4))
def test_a_blurred_side_is_an_error_function_of_this_sigma_and_the_others_stay_sharp(side: int) -> None:
    mask = np.zeros((120, 120), np.float32)
    mask[30:90, 30:90] = 1
    soft = soften(mask, np.array([30.0, 30, 90, 90]), unsure(side, Side.blur, 5.0))
    widths = transition(soft)
    assert widths[side] == pytest.approx(5.0, rel=0.03)
    assert np.delete(widths, side).max() < 0.5
    assert visible_box(soft) == pytest.approx(np.array([30, 30, 90, 90]), abs=0.05)


@pytest.mark.parametrize("side", range(4))
def test_a_faded_side_dissolves_over_a_uniform_distribution_of_this_sigma(side: int) -> None:
    mask = np.zeros((120, 120), np.float32)
    mask[30:90, 30:90] = 1
    box = visible_box(soften(mask, np.array([30.0, 30, 90, 90]), unsure(side, Side.fade, 5.0)))
    half = UNIFORM_WIDTH * 5 / 2
    expected = np.array([30, 30, 90, 90]) + half * np.array([1, 1, -1, -1]) * (np.arange(4) == side)
    assert box == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("side", range(4))
def test_a_veil_hides_the_edge_and_is_centred_on_it(side: int) -> None:
    coverage = rasterise(draw_outline(np.random.default_rng(1), "hexagon", 60.0), 20)
    edge, sigma = float(visible_box(coverage)[side]), 4.0
    layer = veil(np.random.default_rng(0), coverage, side, edge, sigma, np.full(3, 99, np.float32))
    whole = np.zeros((200, 200), np.float32)
    whole[layer.y + 50 :, layer.x + 50 :][: layer.opacity.shape[0], : layer.opacity.shape[1]] = layer.opacity
    over = whole[50 : 50 + coverage.shape[0], 50 : 50 + coverage.shape[1]]
    strip, mask = (over, coverage) if side % 2 == 0 else (over.T, coverage.T)
    near = slice(round(edge) - 4, round(edge) + 4)
    assert (strip[:, near][mask[:, near] > 0.02] > 0.99).all()
    columns = strip.max(0) @ (np.arange(strip.shape[1]) + 0.5) / strip.max(0).sum()
    assert columns == pytest.approx(edge, abs=0.3)
    assert strip.max(0).sum() == pytest.approx(UNIFORM_WIDTH * sigma, abs=0.5)


def test_unsure_sides_are_less_sharp_in_the_picture_than_sure_ones(scenes: list[Scene]) -> None:
    """Share of the step across 15 pixels that happens within 3 of the labelled edge."""
    steps: dict[Side, list[tuple[float, float]]] = {kind: [] for kind in Side}
    for scene in scenes:
        for label in scene.labels:
            for side in range(4):
                if label.edges.kind[side] is Side.sharp or label.edges.sigma[side] > 2.5:
                    steps[label.edges.kind[side]] += _steps(scene.image.astype(float), label.true_box, side)
    share = {kind: np.sum(ones, axis=0)[0] / np.sum(ones, axis=0)[1] for kind, ones in steps.items() if ones}
    assert share[Side.blur] < 0.85 * share[Side.sharp]
    assert share[Side.fade] < 0.85 * share[Side.sharp]


def _steps(image: np.ndarray, box: np.ndarray, side: int) -> list[tuple[float, float]]:
    pixels = image if side % 2 == 0 else image.transpose(1, 0, 2)
    low, high = (box[1], box[3]) if side % 2 == 0 else (box[0], box[2])
    edge = round(float(box[side]))
    if not 9 < edge < len(image) - 9 or high - low < 12:
        return []
    rows = pixels[int(low + 0.15 * (high - low)) : int(high - 0.15 * (high - low))]
    near, far = rows[:, edge + 1] - rows[:, edge - 2], rows[:, edge + 7] - rows[:, edge - 8]
    return [(np.abs(near).mean(), np.abs(far).mean())]
