"""The paper's figures, drawn from formulas and from what the runs left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.figures.figure import Figure
from gfl_bench.results.speed_records import Comparison
from gfl_bench.sweep.cells import ComposedCells

__all__ = ["Figure", "draw_figures"]


def draw_figures(
    runs: pd.DataFrame, out: Path, cells: ComposedCells | None = None, speeds: Sequence[Comparison] = ()
) -> list[Figure]:
    """Draw every figure that ``runs`` can show to ``out``, as PNG and PDF; equal records make equal files.

    Args:
        runs: frame of ``gfl_bench.results.store``; may be empty.
        cells: composed configs, to be shared with whoever composed some already.
        speeds: sessions in which cells were timed in turns.

    Returns:
        All figures in the paper's order; of those that cannot be drawn, why, and the command that makes their runs.
    """
    from analysis.figures.drawing import draw_all  # brings matplotlib, which takes a second to import

    return draw_all(runs, out, cells, speeds)
