"""One person: a head, a trunk, arms and legs, each part of its own colour."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gfl_bench.data.scenes import textures
from gfl_bench.data.scenes.extent import visible_box
from gfl_bench.data.scenes.shapes import SUPERSAMPLING, Polygon
from gfl_bench.data.scenes.textures import Array, Rng

MARGIN = 2  # pixels around a figure
SKIN = np.array([[236, 200, 175], [205, 155, 120], [150, 105, 75], [90, 62, 45]], np.float32)
HEAD, HAIR, TOP, LEGS = range(4)


@dataclass
class Figure:
    """A person that nothing hides; boxes are (x1, y1, x2, y2) in pixels of its mask."""

    opacity: Array  # [h, w]
    paint: Array  # [h, w, 3] grey levels
    box: NDArray[np.float64]
    head: NDArray[np.float64]


def draw_figure(rng: Rng, height: float, stone: bool = False) -> Figure:
    """A person ``height`` pixels high, about 0.4 of it wide; a statue has the colour of ``stone`` all over."""
    parts = [(part, polygon * height) for part, polygon in _parts(rng)]
    corners = np.concatenate([polygon for _, polygon in parts])
    origin = corners.min(0) - MARGIN
    width, rows = (math.ceil(extent) for extent in corners.max(0) - origin + MARGIN)
    opacity, paint = np.zeros((rows, width), np.float32), np.zeros((rows, width, 3), np.float32)
    surfaces = _surfaces(rng, (rows, width), stone)
    for part, polygon in parts:
        coverage = _filled(polygon - origin, (rows, width))
        paint += coverage[..., None] * (surfaces[part] - paint)
        opacity = np.maximum(opacity, coverage)
    head = np.concatenate([polygon for part, polygon in parts if part == HEAD]) - origin
    box = visible_box(opacity)
    whole = np.array([0, 0, width, rows], np.float64) if box is None else box
    return Figure(opacity, paint, whole, np.concatenate([head.min(0), head.max(0)]))


def _parts(rng: Rng) -> Iterator[tuple[int, Polygon]]:
    """Polygons from the back to the front, for a height of 1; the feet stand at y = 1, the middle at x = 0."""
    lean, build = rng.normal(0, 0.03), rng.uniform(0.85, 1.25)
    shoulder, waist, head = 0.11 * build, 0.08 * build, rng.uniform(0.05, 0.06)
    for side in (-1, 1):
        foot = side * rng.uniform(0.02, 0.13)
        yield LEGS, _limb((side * waist * 0.6, 0.48), (foot, 0.99), 0.045 * build, 0.03)
        hand = (side * (shoulder + rng.uniform(0.0, 0.12)) + lean, rng.uniform(0.35, 0.56))
        yield TOP, _limb((side * shoulder * 0.9 + lean, 0.2), hand, 0.032 * build, 0.022)
    trunk = [(-shoulder + lean, 0.19), (0.3 * shoulder + lean, 0.165), (shoulder + lean, 0.19), (waist, 0.53)]
    yield TOP, np.array([*trunk, (-waist, 0.53)])
    yield HEAD, _oval((1.4 * lean, 0.09), head, head * 1.4)
    yield HAIR, _oval((1.4 * lean, 0.055), head * 1.05, head * rng.uniform(0.7, 1.0))


def _limb(start: tuple[float, float], end: tuple[float, float], first: float, last: float) -> Polygon:
    """A band from ``start`` to ``end``, of half the width ``first`` there and ``last`` here."""
    along = np.subtract(end, start)
    across = np.array([-along[1], along[0]]) / np.linalg.norm(along)
    return np.array([start + first * across, end + last * across, end - last * across, start - first * across])


def _oval(centre: tuple[float, float], width: float, height: float) -> Polygon:
    angle = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    return np.stack([centre[0] + width * np.cos(angle), centre[1] + height * np.sin(angle)], axis=1)


def _surfaces(rng: Rng, shape: tuple[int, int], stone: bool) -> tuple[Array, ...]:
    """Of ``HEAD, HAIR, TOP, LEGS``."""
    if stone:
        grey = np.full(3, rng.uniform(90, 200), np.float32)
        return (textures.surface(rng, shape, grey, 25.0),) * 4
    skin = SKIN[rng.integers(len(SKIN))] + np.float32(rng.uniform(-12, 12))
    hair = np.array([1.0, 0.8, 0.6], np.float32) * np.float32(rng.uniform(15, 150))
    cloths = [textures.surface(rng, shape, textures.colour(rng), float(rng.uniform(5, 60))) for _ in range(2)]
    return np.broadcast_to(skin, (*shape, 3)), np.broadcast_to(hair, (*shape, 3)), *cloths


def _filled(polygon: Polygon, shape: tuple[int, int]) -> Array:
    """Coverage of each pixel, [H, W] in [0, 1]."""
    canvas = Image.new("L", (shape[1] * SUPERSAMPLING, shape[0] * SUPERSAMPLING))
    ImageDraw.Draw(canvas).polygon((polygon * SUPERSAMPLING - 0.5).ravel().tolist(), fill=255)
    return np.asarray(canvas.reduce(SUPERSAMPLING), np.float32) / np.float32(255)
