"""Where an object ends in the picture: boxes measured on what is visible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.scenes.textures import Array


def visible_box(visibility: Array) -> NDArray[np.float64] | None:
    """The box (x1, y1, x2, y2) inside which the object is at least half visible.

    Args:
        visibility: float32 [H, W] in [0, 1], share of each pixel in which the object shows.

    Returns:
        Pixels with a fraction, or None where the object is nowhere half visible.
    """
    columns, rows = visibility.max(0), visibility.max(1)
    if columns.max() < 0.5:
        return None
    sides = [_crossing(columns, 0.5), _crossing(rows, 0.5)]
    ends = [len(columns) - _crossing(columns[::-1], 0.5), len(rows) - _crossing(rows[::-1], 0.5)]
    return np.array(sides + ends)


def transition(visibility: Array) -> NDArray[np.float64]:
    """Half the distance between 16 % and 84 % of the peak visibility at each side, [4] pixels.

    For an edge blurred by a Gaussian this is its standard deviation.
    """
    columns, rows = visibility.max(0), visibility.max(1)
    return np.array([_half_width(profile) for profile in (columns, rows, columns[::-1], rows[::-1])])


def _half_width(profile: Array) -> float:
    peak = float(profile.max())
    return (_crossing(profile, 0.84 * peak) - _crossing(profile, 0.16 * peak)) / 2


def _crossing(profile: Array, level: float) -> float:
    """Where ``profile`` first rises to ``level``; value ``i`` stands at ``i + 0.5``, before the first is the border."""
    index = int(np.argmax(profile >= level))
    if index == 0:
        return 0.0
    below, above = float(profile[index - 1]), float(profile[index])
    return index - 0.5 + (level - below) / (above - below)
