"""How long must a run be? AP of a table's rows against the length of training, as a figure and as Markdown.

    python -m gfl_bench.run -m sweep=table11 scale=proxy scale.steps_per_epoch=50,100,200 seed=0
    python analysis/draw_learning_curves.py --runs runs --out docs/scales

Writes <out>.csv, the mean AP of each row at each length, and draws <out>.png; what the .csv held besides stays.
Prints the table that docs/scales.md shows: AP at each length, and the order of the rows there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import NullFormatter, ScalarFormatter

from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Table

STYLES = ("o-", "s--", "^-.", "D:", "v-")  # told apart in print, and by the colour-blind
COLOURS = ("#000000", "#0072b2", "#e69f00", "#009e73", "#d55e00")  # Okabe and Ito


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, default=Path("docs/scales"))
    parser.add_argument("--table", default="table11")
    options = parser.parse_args()
    table = load_tables(sweeps_folder())[options.table]
    csv = options.out.with_suffix(".csv")
    curves = with_earlier(learning_curves(load_runs(options.runs).frame, table), csv)
    curves.round(2).to_csv(csv)
    draw(curves, options.out.with_suffix(".png"))
    print(markdown(curves))


def learning_curves(runs: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Mean AP over seeds: a row of the frame for each row of ``table``, by label, a column for each number of steps."""
    labels = {table.cell(row).name: row.label for row in table.rows}
    finished = runs[(runs["state"] == "done") & runs["cell"].isin(labels)]
    steps = finished["schedule.epochs"] * finished["scale.steps_per_epoch"]
    curves = finished.assign(steps=steps.astype(int)).pivot_table(index="cell", columns="steps", values="AP")
    return curves.reindex([cell for cell in labels if cell in curves.index]).rename(index=labels)


def with_earlier(curves: pd.DataFrame, csv: Path) -> pd.DataFrame:
    """``curves``, and what the file knows beyond them."""
    if not csv.exists():
        return curves
    earlier = pd.read_csv(csv, index_col=0).rename(columns=int)
    joined = curves.combine_first(earlier).sort_index(axis=1)
    return joined.reindex([*earlier.index, *curves.index.difference(earlier.index)])


def draw(curves: pd.DataFrame, path: Path) -> None:
    figure, axis = plt.subplots(figsize=(5, 3.4), layout="constrained")
    for (label, curve), style, colour in zip(curves.iterrows(), STYLES, COLOURS, strict=False):
        axis.plot(curve.index, curve, style, color=colour, label=str(label), markersize=4)
    axis.set(xscale="log", xlabel="steps of 16 images", ylabel="AP", xticks=list(curves.columns))
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


def markdown(curves: pd.DataFrame) -> str:
    """AP at each length, and below each length the ranks of the rows, first the best."""
    ranks = curves.rank(ascending=False).map(lambda rank: f" ({rank:.0f})")
    cells = (curves.map(lambda ap: f"{ap:.1f}") + ranks).where(curves.notna(), "not run")
    return str(cells.rename_axis(None, axis=1).rename_axis("AP (rank)").to_markdown())


if __name__ == "__main__":
    main()
