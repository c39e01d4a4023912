"""Is a distribution as wide as its edge is ambiguous? Only generated scenes know."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from analysis.evidence import Arrays
from analysis.figures.positives import positives
from analysis.figures.records import Records
from analysis.figures.runs import has_evidence
from analysis.figures.style import COLOURS, LINES, MARKERS, canvas
from analysis.quality import spearman

CELLS = {
    "table11.gfocal": "GFocal", "table06.atss_general_dfl": "General, DFL", "table06.atss_general": "General",
    "table06.atss_gaussian": "Gaussian",
}  # fmt: skip
BINS = 8  # by logarithm, above the sharp sides
FEWEST = 30  # sides in a bin that is drawn


def draw(records: Records) -> tuple[Canvas, str]:
    usable = has_evidence("side_variance", "side_sigma", "positive_stride")
    picked = records.pick(tuple(CELLS), usable=usable, least=1)
    drawing = canvas(2.4)
    axis = drawing.add_subplot()
    for (cell, runs), *style in zip(picked.runs.items(), COLOURS, LINES, MARKERS, strict=False):
        sigma, spread = spreads(runs[0].evidence)
        curve = by_sigma(sigma, spread)
        ranks, (colour, line, marker) = spearman(sigma, spread), style
        label = CELLS[cell] + ("" if ranks is None else rf", $r_s$ = {ranks:.2f}")
        axis.plot(curve.index, curve[0.5], color=colour, ls=line, marker=marker, label=label)
        axis.fill_between(curve.index, curve[0.25], curve[0.75], color=colour, alpha=0.15, lw=0)
    axis.axline((1, 1), (10, 10), color="0.5", ls=":", lw=0.8, label="as wide as the truth")
    axis.set(xscale="log", yscale="log", xlabel="true ambiguity of the side (pixels)")
    axis.set_ylabel("predicted standard deviation (pixels)")
    for each in (axis.xaxis, axis.yaxis):
        each.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter=StrMethodFormatter("{x:g}"))
        each.set_minor_formatter(NullFormatter())
    drawing.legend(loc="outside upper center", ncols=2)
    return drawing, (
        f"Standard deviation of the predicted distribution of each side of {positives(picked.first.evidence)}, against "
        "the true standard deviation with which the scene was generated: median and quartiles of bins; r_s is "
        f"Spearman's correlation over these sides. A Dirac delta has no spread. {picked.one_source}"
    )


def spreads(evidence: Arrays) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True sigma and predicted standard deviation of all sides whose truth is known, pixels."""
    stride = evidence["positive_stride"].astype(np.float64)[:, None]
    spread = np.sqrt(evidence["side_variance"].astype(np.float64)) * stride
    sigma = evidence["side_sigma"].astype(np.float64)
    known = np.isfinite(sigma) & np.isfinite(spread) & (sigma > 0)
    return sigma[known], spread[known]


def by_sigma(sigma: NDArray[np.float64], spread: NDArray[np.float64]) -> pd.DataFrame:
    """Quartiles of ``spread``, a row for each bin of sigma, by the bin's median."""
    low, high = sigma.min(), sigma.max()
    edges = np.geomspace(low * 1.05, max(high, low * 1.1), BINS + 1)  # the lowest bin is of the sharp sides
    frame = pd.DataFrame({"sigma": sigma, "spread": spread, "bin": np.digitize(sigma, edges[:-1])})
    grouped = frame.groupby("bin")
    quartiles = grouped["spread"].quantile(np.array([0.25, 0.5, 0.75])).unstack()
    return quartiles.set_index(grouped["sigma"].median())[(grouped.size() >= FEWEST).to_numpy()]
