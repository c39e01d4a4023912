"""What a scene holds besides its objects: the ground, and unlabelled things on it and in front of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.scenes import textures
from gfl_bench.data.scenes.ambiguity import UNIFORM_WIDTH
from gfl_bench.data.scenes.shapes import Outline, fit, rasterise
from gfl_bench.data.scenes.textures import Array, Rng


@dataclass
class Layer:
    """Something painted over a scene."""

    opacity: Array  # [h, w] in [0, 1]
    paint: Array  # [h, w, 3] grey levels
    x: int  # of its left column in the scene; may be negative
    y: int


def ground(rng: Rng, size: int) -> Array:
    """A background [size, size, 3] of two or three textured regions with soft or hard borders."""
    shape = (size, size)
    tone = textures.colour(rng)
    canvas = textures.surface(rng, shape, tone, float(rng.uniform(5, 35)))
    for _ in range(int(rng.integers(1, 3))):
        other = textures.away_from(rng, tone, float(rng.uniform(10, 40)))
        region = np.clip((textures.value_noise(rng, shape, size / 2.5) - 0.5) * float(rng.uniform(2, 40)) + 0.5, 0, 1)
        canvas += region[..., None] * (textures.surface(rng, shape, other, float(rng.uniform(5, 35))) - canvas)
    return canvas


def scrap(rng: Rng, size: int, local: Array) -> Layer:
    """A distractor that belongs to no class: a ragged blob or a stroke, in a colour near the ``local`` one."""
    outline = _blob(rng, float(rng.uniform(4, 0.22 * size))) if rng.random() < 0.6 else _stroke(rng, size)
    opacity = rasterise(outline, 2) * np.float32(rng.uniform(0.5, 1.0))
    return _placed(rng, opacity, size, textures.away_from(rng, local, float(rng.uniform(10, 40))))


def stroke_over(rng: Rng, size: int, local: Array, centre: NDArray[np.float64]) -> Layer:
    """A thin occluder through about ``centre`` (x, y)."""
    layer = _placed(rng, rasterise(_stroke(rng, size), 2), size, textures.away_from(rng, local, 60.0))
    height, width = layer.opacity.shape
    layer.x, layer.y = round(float(centre[0]) - width / 2), round(float(centre[1]) - height / 2)
    return layer


def veil(rng: Rng, coverage: Array, side: int, edge: float, sigma: float, local: Array) -> Layer:
    """An occluder that hides one side of an object: as wide as a uniform distribution of this ``sigma``.

    Args:
        coverage: the object's mask [H, W]; the layer's position is relative to it.
        side: 0 left, 1 top, 2 right, 3 bottom.
        edge: the true edge on that side, pixels of the mask.
        local: a colour of the surroundings, [3].
    """
    mask = coverage if side % 2 == 0 else coverage.T
    start, width = edge - UNIFORM_WIDTH * sigma / 2, UNIFORM_WIDTH * sigma
    columns = mask[:, max(math.floor(start), 0) : math.ceil(start + width)]
    hidden = np.flatnonzero(columns.max(1, initial=0) > 0.02)
    low, high = (float(hidden[0]), float(hidden[-1] + 1)) if len(hidden) else (0.0, float(len(mask)))
    before, after = rng.uniform(2, 8, 2)
    opacity, x, y = _slab(rng, start, low - before, width, high - low + before + after)
    opacity, x, y = (opacity, x, y) if side % 2 == 0 else (opacity.T, y, x)
    tone = textures.away_from(rng, local, float(rng.uniform(15, 80)))
    return Layer(opacity, textures.surface(rng, opacity.shape, tone, float(rng.uniform(20, 80))), x, y)


def _slab(rng: Rng, x: float, y: float, width: float, height: float) -> tuple[Array, int, int]:
    """A rectangle with ragged ends, as a mask and the pixel of its corner."""
    steps = np.linspace(0, width, 6)
    top, bottom = -rng.uniform(0, 3, 6), height + rng.uniform(0, 3, 6)
    outline = np.concatenate([np.stack([steps, top], 1), np.stack([steps, bottom], 1)[::-1]])
    left, upper = math.floor(x), math.floor(y - 3)
    return rasterise([outline + np.array([x - left, y - upper])], 0), left, upper


def _placed(rng: Rng, opacity: Array, size: int, tone: Array) -> Layer:
    height, width = opacity.shape
    x, y = rng.integers(-width // 2, size - width // 2), rng.integers(-height // 2, size - height // 2)
    return Layer(opacity, textures.surface(rng, (height, width), tone, float(rng.uniform(10, 40))), int(x), int(y))


def _blob(rng: Rng, side: float) -> Outline:
    angle = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    waves = np.arange(2, 8)
    bumps = np.cos(np.outer(angle, waves) + rng.uniform(0, 2 * math.pi, 6)) @ (rng.normal(0, 0.35, 6) / np.sqrt(waves))
    radius = np.maximum(1 + bumps, 0.15)
    return fit([np.stack([radius * np.cos(angle), radius * np.sin(angle) * rng.uniform(0.4, 1)], 1)], side)


def _stroke(rng: Rng, size: int) -> Outline:
    """A bent band of constant width."""
    length, bend = rng.uniform(0.15, 0.7) * size, rng.uniform(-1.5, 1.5)
    heading = rng.uniform(0, 2 * math.pi) + bend * np.linspace(0, 1, 12)
    spine = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), 0) * length / 12
    normal = np.stack([-np.sin(heading), np.cos(heading)], 1) * rng.uniform(0.7, 0.02 * size + 1)
    band = np.concatenate([spine + normal, (spine - normal)[::-1]])
    return [band - band.min(0)]
