"""Colours and textures: everything that fills a region of a scene.

A field is a float32 array [H, W] in [0, 1]; a surface is a float32 array [H, W, 3] in grey levels (0..255).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Shape = tuple[int, int]
Rng = np.random.Generator


def value_noise(rng: Rng, shape: Shape, cell: float) -> Array:
    """Random values on a grid of ``cell`` pixels, interpolated bicubically: [H, W] around [0, 1]."""
    height, width = shape
    rows, columns = math.ceil(height / cell) + 3, math.ceil(width / cell) + 3
    grid = Image.fromarray(rng.random((rows, columns), dtype=np.float32))
    window = (1.0, 1.0, 1.0 + width / cell, 1.0 + height / cell)
    return np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC, box=window))


def fractal(rng: Rng, shape: Shape) -> Array:
    """Octaves of value noise; the draw decides whether the coarse or the fine ones prevail."""
    cell, persistence = float(rng.uniform(12, 48)), float(rng.uniform(0.45, 0.85))
    total, weight = np.zeros(shape, np.float32), 1.0
    while cell >= 1.5:
        total += weight * (value_noise(rng, shape, cell) - 0.5)
        cell, weight = cell / 2.3, weight * persistence
    return _spread(total)


def stripes(rng: Rng, shape: Shape) -> Array:
    """Bands of random direction and period, bent by noise."""
    phase = _phase(rng, shape, float(rng.uniform(4, 22)))
    wave = np.sin(phase + float(rng.uniform(0, 5)) * value_noise(rng, shape, 30.0))
    return hardened(wave, float(rng.uniform(1, 5)))


def checks(rng: Rng, shape: Shape) -> Array:
    """Two crossing waves: squares when hard, dimples when soft."""
    period = float(rng.uniform(5, 20))
    angle = float(rng.uniform(0, math.pi))
    wave = np.sin(_phase(rng, shape, period, angle)) * np.sin(_phase(rng, shape, period, angle + math.pi / 2))
    return hardened(wave, float(rng.uniform(1, 6)))


def speckles(rng: Rng, shape: Shape) -> Array:
    """Blotches: noise cut at a level."""
    noise = value_noise(rng, shape, float(rng.uniform(3, 9)))
    return np.clip((noise - float(rng.uniform(0.45, 0.7))) * 6, 0, 1)


def ramp(rng: Rng, shape: Shape) -> Array:
    """A linear gradient over a faint noise."""
    return _spread(_phase(rng, shape, 100.0) + 0.6 * value_noise(rng, shape, 8.0))


FIELDS: tuple[Callable[[Rng, Shape], Array], ...] = (fractal, fractal, stripes, checks, speckles, ramp)


def field(rng: Rng, shape: Shape) -> Array:
    """One field of a kind drawn from ``FIELDS``."""
    return FIELDS[rng.integers(len(FIELDS))](rng, shape)


def colour(rng: Rng) -> Array:
    """A colour of moderate saturation, [3] in grey levels: hues are no help in telling classes apart."""
    grey = float(rng.uniform(35, 215))
    tint = rng.standard_normal(3) * float(rng.uniform(0, 40))
    return np.clip(grey + tint - tint.mean(), 5, 250).astype(np.float32)


def away_from(rng: Rng, base: Array, distance: float) -> Array:
    """A colour at about ``distance`` grey levels (root mean square over the channels) from ``base``, [3]."""
    direction = rng.standard_normal(3) + 1.5 * rng.standard_normal()
    step = distance * math.sqrt(3) * direction / np.linalg.norm(direction)
    ahead, behind = base + step, base - step
    clipped = np.clip(np.stack([ahead, behind]), 5, 250)
    return clipped[np.abs(clipped - base).sum(1).argmax()].astype(np.float32)


def surface(rng: Rng, shape: Shape, mean: Array, contrast: float) -> Array:
    """A texture around the colour ``mean``; ``contrast`` is the swing of its pattern in grey levels. [H, W, 3]."""
    return dyed(rng, field(rng, shape), mean, contrast)


def dyed(rng: Rng, pattern: Array, mean: Array, contrast: float) -> Array:
    """A field [H, W] as a surface that swings between two colours around ``mean``, [H, W, 3]."""
    swing = contrast * (0.6 * rng.standard_normal() + 0.5 * rng.standard_normal(3)).astype(np.float32)
    return mean + (pattern - np.float32(0.5))[..., None] * swing


def hardened(wave: Array, gain: float) -> Array:
    """A wave in [-1, 1] as a field, the harder its edges the higher the gain."""
    return np.asarray(0.5 + 0.5 * np.clip(wave * gain, -1, 1), np.float32)


def _phase(rng: Rng, shape: Shape, period: float, angle: float | None = None) -> Array:
    angle = float(rng.uniform(0, math.pi)) if angle is None else angle
    step = 2 * math.pi / period
    rows = np.arange(shape[0], dtype=np.float32) * np.float32(step * math.sin(angle))
    columns = np.arange(shape[1], dtype=np.float32) * np.float32(step * math.cos(angle))
    return np.asarray(rows[:, None] + columns + np.float32(rng.uniform(0, 2 * math.pi)), np.float32)


def _spread(values: Array) -> Array:
    low, high = values.min(), values.max()
    return (values - low) / max(float(high - low), 1e-6)
