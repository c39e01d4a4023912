"""One scene: a picture, its objects, and how sure each of their sides is. A pure function of seed, split and index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.scenes import clutter
from gfl_bench.data.scenes.ambiguity import Edges
from gfl_bench.data.scenes.canvas import LEAST_INSIDE, Canvas, Placed, labelled_box
from gfl_bench.data.scenes.clutter import Layer
from gfl_bench.data.scenes.objects import Thing, draw_side, draw_thing, paint, veils
from gfl_bench.data.scenes.textures import Array, Rng, value_noise

EMPTY_SHARE = 0.01
MOST_OBJECTS = 10
TRIES = 6  # places tried for an object before it is left out


@dataclass
class Label:
    """One annotated object; boxes are (x1, y1, x2, y2) in pixels of the image."""

    label: int
    box: NDArray[np.float64]  # [4] the true box moved by a draw from N(0, sigma), inside the image
    true_box: NDArray[np.float64]  # [4]
    edges: Edges


@dataclass
class Scene:
    image: NDArray[np.uint8]  # [size, size, 3] RGB
    labels: list[Label]


def render(seed: int, split: int, index: int, size: int) -> Scene:
    """Scene ``index`` of a split, ``size`` pixels high and wide."""
    rng = np.random.default_rng([seed, split, index])
    canvas = Canvas(clutter.ground(rng, size))
    for tone in canvas.pixels[rng.integers(0, size, int(rng.integers(2, 8))), rng.integers(0, size)]:
        canvas.put(clutter.scrap(rng, size, tone), [])
    for side in _object_sides(rng, size):
        _place(rng, canvas, draw_thing(rng, side))
    labels = [label for thing in canvas.objects if (label := _annotate(rng, thing, size)) is not None]
    return Scene(exposed(rng, canvas.pixels), labels)


def _object_sides(rng: Rng, size: int) -> list[float]:
    """Sizes of the objects to place, large ones mostly first: they would cover the others."""
    if rng.random() < EMPTY_SHARE:
        return []
    count = min(1 + int(rng.poisson(4.0)), MOST_OBJECTS)
    sides = [draw_side(rng, size) for _ in range(count)]
    return sorted(sides, key=lambda side: -side * float(rng.uniform(0.6, 1.6)))


def _place(rng: Rng, canvas: Canvas, thing: Thing) -> None:
    """Find a place where the object is mostly inside the image and hides no other; paint it and what lies over it."""
    for _ in range(TRIES):
        layer = _somewhere(rng, canvas, thing)
        inside = canvas.spread(layer)
        roomy = inside.sum() >= LEAST_INSIDE * thing.opacity.sum() > 0
        if roomy and canvas.leaves_all_visible(layer):
            _commit(rng, canvas, thing, layer, inside)
            return


def _somewhere(rng: Rng, canvas: Canvas, thing: Thing) -> Layer:
    """The object at a random place; one in six may reach over the image's border."""
    height, width = canvas.pixels.shape[:2]
    slack = 0.35 if rng.random() < 0.17 else 0.0
    box = thing.box
    corner = []
    for low, high, limit in ((box[0], box[2], width), (box[1], box[3], height)):
        reach = slack * (high - low)
        corner.append(round(rng.uniform(-reach, max(limit - (high - low) + reach, 1)) - low))
    return Layer(thing.opacity, np.zeros((1, 1, 3), np.float32), *corner)


def _commit(rng: Rng, canvas: Canvas, thing: Thing, layer: Layer, inside: Array) -> None:
    layer.paint = paint(rng, thing, canvas.tone_at(layer))
    own_box = thing.box + np.array([layer.x, layer.y] * 2)
    others, area = list(canvas.objects), float(inside.sum())
    placed = Placed(thing.label, own_box, thing.edges, inside, area, area)
    canvas.put(layer, others)
    canvas.objects.append(placed)
    for veil in veils(rng, thing, canvas.tone_at(layer)):
        veil.x, veil.y = veil.x + layer.x, veil.y + layer.y
        canvas.put(veil, others)
    if rng.random() < 0.15:
        centre = (own_box[:2] + own_box[2:]) / 2 + rng.uniform(-0.4, 0.4, 2) * (own_box[2:] - own_box[:2])
        stroke = clutter.stroke_over(rng, len(canvas.pixels), canvas.tone_at(layer), centre)
        if canvas.leaves_all_visible(stroke):
            canvas.put(stroke, canvas.objects)


def _annotate(rng: Rng, thing: Placed, size: int) -> Label | None:
    seen = labelled_box(thing, size)
    if seen is None:
        return None
    box, edges = seen
    moved = np.clip(box + rng.normal(0, 1, 4) * edges.sigma, 0, size)
    middle = (box[:2] + box[2:]) / 2
    moved[:2], moved[2:] = np.minimum(moved[:2], middle - 2), np.maximum(moved[2:], middle + 2)
    return Label(thing.label, moved, box, edges)


def exposed(rng: Rng, pixels: Array) -> NDArray[np.uint8]:
    """Uneven light, contrast and sensor noise."""
    size = pixels.shape[:2]
    light = 1 + float(rng.uniform(0, 0.5)) * (value_noise(rng, size, size[0] / 1.5) - 0.5)
    grain = rng.standard_normal((*size, 3), dtype=np.float32) * np.float32(rng.uniform(1, 6))
    exposed = (pixels - 128) * np.float32(rng.uniform(0.7, 1.1)) + 128 + np.float32(rng.uniform(-15, 15))
    return np.clip(exposed * light[..., None] + grain + 0.5, 0, 255).astype(np.uint8)
