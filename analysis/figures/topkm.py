"""Fig. 8: the statistic that DGQP reads, while a distribution moves along its range."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from analysis.figures.records import Records
from analysis.figures.style import BLUE, COLOURS, LINES, MARKERS, ORANGE, canvas

N, K = 16, 4  # the paper's
SHAPE = (0.05, 0.18, 0.34, 0.26, 0.12, 0.05)  # probabilities of neighbouring distances
START, SHOWN = 1, 8  # the first bin of the shape in the left panel, and how far the other one is moved
Array = NDArray[np.float64]


def draw(records: Records) -> tuple[Canvas, str]:
    drawing = canvas(1.75)
    left, right = drawing.subplots(1, 2)
    bins = np.arange(N + 1)
    for shift, colour, hatch in ((START, BLUE, None), (START + SHOWN, ORANGE, "//////")):
        left.bar(bins, shifted(shift), 0.9, fc="white" if hatch else colour, ec=colour, hatch=hatch, lw=0.6)
    left.set(xlabel="distance (strides)", ylabel="probability", xticks=range(0, N + 1, 4), ylim=(0, 0.38))
    shifts = np.arange(N + 2 - len(SHAPE))
    curves = topkm(np.array([shifted(int(shift)) for shift in shifts]), K).T
    names = [f"Top-{rank}" for rank in range(1, K + 1)] + ["mean"]
    for curve, name, colour, line, marker in zip(curves, names, COLOURS, LINES, MARKERS, strict=False):
        right.plot(shifts, curve, color=colour, ls=line, marker=marker, markevery=3, label=name)
        right.annotate(name, (shifts[-1], curve[-1]), (4, 0), textcoords="offset points", va="center", color=colour)
    right.set(xlabel="moved by (strides)", ylabel="Topkm", ylim=(0, 0.38), xticks=range(0, len(shifts), 4))
    return drawing, (
        f"Left: a distribution over 0 to {N} strides, and the same moved by {SHOWN}. Right: its {K} largest "
        "probabilities and their mean (Eq. 5) wherever it lies: the statistic is of its shape alone. "
        "Drawn from the formula."
    )


def shifted(shift: int) -> Array:
    """[N + 1] probabilities, ``SHAPE`` from bin ``shift`` on."""
    probabilities = np.zeros(N + 1)
    probabilities[shift : shift + len(SHAPE)] = SHAPE
    return probabilities


def topkm(probabilities: Array, k: int) -> Array:
    """The k largest of [..., n + 1] in falling order, then the mean of these k: [..., k + 1] (Eq. 5)."""
    top = -np.sort(-probabilities, axis=-1)[..., :k]
    return np.concatenate([top, top.mean(axis=-1, keepdims=True)], axis=-1)
