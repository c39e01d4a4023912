"""Draw generated scenes with the uncertainty of each side: ``python analysis/draw_scenes.py --out docs/scenes.jpg``."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from gfl_bench.data.scenes.ambiguity import FLOOR
from gfl_bench.data.scenes.scene import Label, Scene, render

ROWS, COLUMNS = 2, 4
BOX, BAR = "#ffd400", "#ff3fa4"  # told apart by the colour-blind too
LINE = 1.2  # points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/scenes.jpg"))
    parser.add_argument("--size", type=int, default=160, help="pixels of a scene")
    parser.add_argument("--first", type=int, default=0, help="index of the first scene of the validation split")
    options = parser.parse_args()
    figure, axes = plt.subplots(ROWS, COLUMNS, figsize=(2.5 * COLUMNS, 2.5 * ROWS))
    for index, axis in enumerate(axes.flat):
        draw_scene(axis, render(0, 1, options.first + index, options.size))
    figure.subplots_adjust(0, 0, 1, 1, wspace=0.02, hspace=0.02)
    figure.savefig(options.out, dpi=128)


def draw_scene(axis: Axes, scene: Scene) -> None:
    """The image, each object's annotated box, and a bar of one sigma to each side of every ambiguous edge."""
    height, width = scene.image.shape[:2]
    axis.imshow(scene.image, interpolation="bilinear", extent=(0, width, height, 0))
    axis.set(xlim=(0, width), ylim=(height, 0))
    axis.set_axis_off()
    for label in scene.labels:
        left, top, right, bottom = label.box
        axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, ec=BOX, lw=LINE))
        _draw_bars(axis, label)


def _draw_bars(axis: Axes, label: Label) -> None:
    left, top, right, bottom = label.true_box
    x, y = (left + right) / 2, (top + bottom) / 2
    for edge, sigma, is_vertical in zip(label.true_box, label.edges.sigma, (True, False) * 2, strict=True):
        if sigma > FLOOR:
            span = [edge - sigma, edge + sigma]
            axis.plot(*((span, [y, y]) if is_vertical else ([x, x], span)), color=BAR, lw=2 * LINE)


if __name__ == "__main__":
    main()
