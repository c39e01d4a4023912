"""The eight classes: outlines that differ by form, several of them easily taken for one another.

An outline is a list of polygons [V, 2]: the first is filled, the others are cut out of it. Each class draws its own
parameters, so that no two members are alike; aspect and rotation are drawn for all of them in ``draw_outline``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gfl_bench.data.scenes.textures import Array, Rng

Polygon = NDArray[np.float64]
Outline = list[Polygon]
SUPERSAMPLING = 4  # mask pixels a side for each image pixel


def _polar(radius: NDArray[np.float64] | float, angle: NDArray[np.float64]) -> Polygon:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _circle(points: int = 48) -> NDArray[np.float64]:
    return np.linspace(0, 2 * math.pi, points, endpoint=False)


def ellipse(rng: Rng) -> Outline:
    return [_polar(1.0, _circle())]


def rectangle(rng: Rng) -> Outline:
    return [np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)]


def hexagon(rng: Rng) -> Outline:
    angle = _circle(6) + rng.uniform(-0.12, 0.12, 6)
    return [_polar(rng.uniform(0.9, 1.0, 6), angle)]


def star(rng: Rng) -> Outline:
    points = int(rng.integers(4, 8))
    radius = np.where(np.arange(2 * points) % 2, rng.uniform(0.4, 0.62), 1.0)
    return [_polar(radius, _circle(2 * points))]


def flower(rng: Rng) -> Outline:
    """A star with round petals."""
    angle, petals, depth = _circle(72), int(rng.integers(4, 8)), rng.uniform(0.15, 0.3)
    return [_polar(1 - depth + depth * np.cos(petals * angle), angle)]


def ring(rng: Rng) -> Outline:
    return [_polar(1.0, _circle()), _polar(rng.uniform(0.4, 0.65), _circle()) + rng.uniform(-0.1, 0.1, 2)]


def crescent(rng: Rng) -> Outline:
    """A ring whose hole breaks through."""
    hole = _polar(rng.uniform(0.6, 0.85), _circle()) + np.array([rng.uniform(0.45, 0.65), 0.0])
    return [_polar(1.0, _circle()), hole]


def cross(rng: Rng) -> Outline:
    arm, other = rng.uniform(0.25, 0.45, 2)
    quarter = [[other, -1], [other, -arm], [1, -arm], [1, arm], [other, arm], [other, 1]]
    return [np.array(quarter + [[-x, -y] for x, y in quarter], np.float64)]


CLASSES: dict[str, Callable[[Rng], Outline]] = {
    draw.__name__: draw
    for draw in (ellipse, rectangle, hexagon, star, flower, ring, crescent, cross)
}


def draw_outline(rng: Rng, name: str, side: float) -> Outline:
    """An outline of class ``name`` at any rotation, whose box has the area ``side ** 2`` pixels; from the origin."""
    aspect, angle = math.exp(rng.uniform(-0.5, 0.5)), rng.normal(0, 0.25)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    outline = [polygon * (aspect, 1.0) @ turn for polygon in CLASSES[name](rng)]
    return fit(outline, side)


def fit(outline: Outline, side: float) -> Outline:
    """Scale to a box of area ``side ** 2`` whose top left corner is the origin."""
    low, extent = outline[0].min(0), np.ptp(outline[0], axis=0)
    scale = side / math.sqrt(extent[0] * extent[1])
    return [(polygon - low) * scale for polygon in outline]


def rasterise(outline: Outline, margin: int) -> Array:
    """Coverage of each pixel, float32 [H, W] in [0, 1], with ``margin`` empty pixels around the outline's box."""
    width, height = (math.ceil(v) + 2 * margin for v in outline[0].max(0))
    canvas = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    for order, polygon in enumerate(outline):
        vertices = (polygon + margin) * SUPERSAMPLING - 0.5
        pen.polygon(vertices.ravel().tolist(), fill=0 if order else 255)
    return np.asarray(canvas.reduce(SUPERSAMPLING), np.float32) / np.float32(255)
