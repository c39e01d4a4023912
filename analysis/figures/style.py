"""One look for all figures: a column wide, text of 7 points, told apart without colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Canvas

WIDTH = 3.5  # inches, a column of the paper
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans", "mathtext.fontset": "dejavusans", "font.size": 7, "axes.titlesize": 7,
    "axes.labelsize": 7, "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7, "figure.titlesize": 7,
    "figure.labelsize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "axes.axisbelow": True,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5, "ytick.minor.size": 1.5, "axes.labelpad": 2.5, "axes.titlepad": 4,
    "lines.linewidth": 1.2, "lines.markersize": 3.5, "legend.frameon": False, "legend.handlelength": 2.4,
    "legend.labelspacing": 0.3, "legend.borderaxespad": 0.2, "savefig.dpi": 300, "pdf.fonttype": 42,
    "image.cmap": "cividis", "figure.facecolor": "white", "axes.formatter.use_mathtext": True,
}  # fmt: skip

# Okabe and Ito; in this order dark and light alternate, and each comes with its own line and marker.
BLACK, BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE = (
    "#000000", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, BLACK, GREEN, VERMILLION, SKY, PURPLE)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def canvas(height: float, constrained: bool = True) -> Canvas:
    """An empty drawing of a column's width, ``height`` inches high; no window and no global state is involved."""
    return Canvas(figsize=(WIDTH, height), layout="constrained" if constrained else None)


def save(drawing: Canvas, out: Path, name: str) -> tuple[Path, Path]:
    """Write the PNG and the PDF, neither with a date."""
    png, pdf = out / f"{name}.png", out / f"{name}.pdf"
    drawing.savefig(png, metadata={"Software": None})
    drawing.savefig(pdf, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return png, pdf
