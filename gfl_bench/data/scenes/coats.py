"""What the members of a class tend to wear: a pattern in the object's own frame, and a hue.

Form defines a class; its coat and its hue are only hints, as fur and plumage are. Most members wear them, the others
wear anything, and nothing keeps another class from a similar look. All coats look the same in a mirror. Without such
hints a small detector needs tens of thousands of images before it tells the forms apart.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.scenes.textures import Array, Rng, Shape, hardened

Grid = NDArray[np.float32]  # coordinates from -1 to 1 over the object's box
Coat = Callable[[Grid, Grid, float], Grid]  # x, y and a frequency to a wave in [-1, 1]


def _radius(x: Grid, y: Grid) -> Grid:
    return np.sqrt(x * x + y * y)


HUE_SPREAD = 0.03  # of a turn; the classes are an eighth apart

COATS: dict[str, Coat] = {
    "ellipse": lambda x, y, k: np.sin(k * y),  # bands across
    "rectangle": lambda x, y, k: np.sin(k * x) * np.sin(k * y),  # checks
    "hexagon": lambda x, y, k: np.cos(0.7 * k * (x + y)) * np.cos(0.7 * k * (x - y)),  # diamonds
    "star": lambda x, y, k: np.cos(6 * np.arctan2(x, y)),  # rays
    "flower": lambda x, y, k: np.sin(k * _radius(x, y)),  # circles
    "ring": lambda x, y, k: np.sin(1.6 * k * y) * np.cos(1.6 * k * x),  # fine checks
    "crescent": lambda x, y, k: np.clip(6 * y, -1, 1),  # two halves
    "cross": lambda x, y, k: np.sin(k * (y + np.abs(x))),  # chevrons
}


def coat(rng: Rng, name: str, shape: Shape, box: NDArray[np.float64]) -> Array:
    """The pattern of class ``name`` for an object with this ``box`` (x1, y1, x2, y2) in a mask of ``shape``, [H, W]."""
    x, y = np.meshgrid(_across(shape[1], box[0], box[2]), _across(shape[0], box[1], box[3]))
    wave = COATS[name](x, y, float(rng.uniform(2.0, 3.2)) * math.pi)
    return hardened(wave, float(rng.uniform(1, 5)))


def hue(rng: Rng, name: str) -> Array:
    """A colour of about the hue that is typical of class ``name``, [3] in grey levels."""
    typical = list(COATS).index(name) / len(COATS)
    turn = (typical + float(rng.normal(0, HUE_SPREAD))) % 1.0
    rgb = colorsys.hsv_to_rgb(turn, float(rng.uniform(0.45, 0.95)), float(rng.uniform(0.4, 1.0)))
    return np.array(rgb, np.float32) * np.float32(255)


def _across(length: int, low: float, high: float) -> Grid:
    """Pixel centres of one axis, from -1 at ``low`` to 1 at ``high``; an object that shows nowhere has no extent."""
    return np.asarray(2 * (np.arange(length) + 0.5 - low) / max(high - low, 1.0) - 1, np.float32)
