"""Fig. 7: the quality focal loss of one estimate for the betas of Table 5."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from analysis.figures.records import Records
from analysis.figures.style import COLOURS, LINES, canvas

TARGET = 0.5  # the paper's
Array = NDArray[np.float64]


def draw(records: Records) -> tuple[Canvas, str]:
    rows = records.tables["table05"].rows
    sigma = np.linspace(0.002, 0.998, 499)
    drawing = canvas(2.1)
    axis = drawing.add_subplot()
    for row, colour, line in zip(rows, COLOURS, LINES, strict=False):
        beta = float(row.overrides["quality.beta"])
        axis.plot(sigma, quality_focal_loss(sigma, TARGET, beta), color=colour, ls=line, label=rf"$\beta$ = {beta:g}")
    axis.axvline(TARGET, ymax=0.4, color="0.6", lw=0.6, zorder=0)
    axis.set(xlabel=r"estimate $\sigma$", ylabel=r"QFL($\sigma$)", xlim=(0, 1), ylim=(0, 2.5))
    axis.legend(loc="upper center")
    return drawing, (
        f"Quality focal loss (Eq. 9) of one estimate whose label is {TARGET}, for the β of Table 5. "
        "The larger β, the smaller loss and gradient near the label; β = 0 is cross-entropy. Drawn from the formula."
    )


def quality_focal_loss(sigma: Array, target: float, beta: float) -> Array:
    """|y - sigma|^beta * cross-entropy (Eq. 9), of probabilities 0 < sigma < 1."""
    entropy = -((1 - target) * np.log1p(-sigma) + target * np.log(sigma))
    return np.asarray(np.abs(target - sigma) ** beta * entropy)
