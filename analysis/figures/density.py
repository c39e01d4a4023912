"""Two numbers of many boxes against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from numpy.typing import NDArray

from analysis.quality import pearson

BINS = 36


def draw_density(axis: Axes, x: NDArray[Any], y: NDArray[Any], title: str = "") -> PolyCollection:
    """Hexagons in [0, 1]^2, the brighter the more boxes, by logarithm; Pearson's r in the title."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    hexagons = axis.hexbin(x, y, gridsize=BINS, extent=(0, 1, 0, 1), bins="log", mincnt=1, lw=0.1)
    axis.set(xlim=(0, 1), ylim=(0, 1))
    correlation = pearson(x, y)
    axis.set_title(title + ("no correlation" if correlation is None else f"$r$ = {correlation:.2f}"))
    return hexagons
