"""Figs. 11 and 12: boxes with the four distributions of their sides, flat and sharp."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from analysis.evidence import Arrays
from analysis.figures.general import GENERAL
from analysis.figures.picture import draw_box, draw_truth, ious, show_image, truth_words
from analysis.figures.records import Records
from analysis.figures.runs import has_evidence
from analysis.figures.style import BLUE, GREEN, ORANGE, WIDTH, canvas

ROWS, COLUMNS = 3, 2
GAP, STRIP = 0.08, 0.24  # inches
ENTRY = WIDTH / COLUMNS
FIELDS = ("image_id", "jpeg", "jpeg_end", "scale", "box", "score", "distribution", "location", "stride")
LOOKS: tuple[dict[str, Any], ...] = (  # of left and top, of right and bottom
    {"fc": BLUE, "ec": BLUE}, {"fc": "white", "ec": ORANGE, "hatch": "//////"},
)  # fmt: skip
MARGIN = 0.3  # of the box's larger side, shown around it
SAME = 0.5  # IoU above which two boxes are about one object
LEAST_SHOWN = 0.02  # probability that the view must contain


def draw_flat(records: Records) -> tuple[Canvas, str]:
    return _draw(records, "flat", "highest", "ambiguous")


def draw_sharp(records: Records) -> tuple[Canvas, str]:
    return _draw(records, "sharp", "lowest", "clear")


def _draw(records: Records, kind: str, rank: str, sides: str) -> tuple[Canvas, str]:
    picked = records.pick(*GENERAL, usable=has_evidence(*(f"{kind}_{field}" for field in FIELDS)))
    evidence, delta = picked.first.evidence, float(picked.first.config["box"]["delta"])
    shown = distinct(evidence[f"{kind}_image_id"], evidence[f"{kind}_box"])[: ROWS * COLUMNS]
    highest = float(evidence[f"{kind}_distribution"][shown].max(initial=0))
    drawing = canvas(-(-len(shown) // COLUMNS) * (ENTRY + 0.02), constrained=False)
    for place, index in enumerate(shown):
        _draw_entry(_axes(drawing, place), evidence, kind, index, delta, highest)
    return drawing, (
        f"Detections (green) with the {rank} mean entropy of their four distributions, so with {sides} boundaries; one "
        "of each object. Each bar stands where it puts its side: left (blue) and right (orange, hatched) above the "
        f"image, top (blue) and bottom (orange, hatched) beside it; heights: probabilities, at most {highest:.2f}. "
        f"{truth_words(evidence, kind)}{picked.one_source}"
    )


def _axes(drawing: Canvas, index: int) -> tuple[Axes, Axes, Axes]:
    """The image, the strip above it and the strip at its right, in inches from the upper left corner."""
    width, height = drawing.get_size_inches()
    row, column = divmod(index, COLUMNS)
    size = ENTRY - STRIP - GAP - 0.02
    left, bottom = column * ENTRY + GAP / 2, height - (row + 1) * (ENTRY + 0.02) + GAP / 2

    def place(x: float, y: float, w: float, h: float) -> Axes:
        return drawing.add_axes((x / width, y / height, w / width, h / height))

    image = place(left, bottom, size, size)
    return image, place(left, bottom + size, size, STRIP), place(left + size, bottom, STRIP, size)


def _draw_entry(
    axes: tuple[Axes, Axes, Axes], evidence: Arrays, kind: str, index: int, delta: float, highest: float
) -> None:
    image, above, beside = axes
    box = evidence[f"{kind}_box"][index]
    probabilities = evidence[f"{kind}_distribution"][index].astype(np.float64)
    places = positions(
        evidence[f"{kind}_location"][index], float(evidence[f"{kind}_stride"][index]),
        probabilities.shape[-1], delta,
    )  # fmt: skip
    size = show_image(image, evidence, kind, index)
    draw_truth(image, evidence, kind, index)
    draw_box(image, box, GREEN)
    x, y = view(box, places, probabilities, size)
    image.set(xlim=x, ylim=y[::-1])
    _draw_strip(above, places, probabilities, (0, 2), x, highest, horizontal=True)
    _draw_strip(beside, places, probabilities, (1, 3), y, highest, horizontal=False)
    score = float(evidence[f"{kind}_score"][index])
    image.text(0.03, 0.03, f"score {score:.2f}", transform=image.transAxes, color="white", va="bottom",
               bbox={"fc": "black", "ec": "none", "alpha": 0.6, "pad": 1})  # fmt: skip


def _draw_strip(
    axis: Axes, places: NDArray[Any], probabilities: NDArray[Any], sides: tuple[int, int], view: tuple[float, float],
    highest: float, horizontal: bool,
) -> None:  # fmt: skip
    bar = axis.bar if horizontal else axis.barh
    thickness = 0.9 * abs(float(places[0, 1] - places[0, 0]))
    for side, look in zip(sides, LOOKS, strict=True):
        bar(places[side], probabilities[side], thickness, lw=0.5, alpha=0.9, **look)
    (axis.set_xlim if horizontal else axis.set_ylim)(view if horizontal else view[::-1])
    (axis.set_ylim if horizontal else axis.set_xlim)(0, 1.05 * highest)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.spines["bottom" if horizontal else "left"].set_visible(True)


def distinct(image_ids: NDArray[np.int64], boxes: NDArray[np.float32]) -> list[int]:
    """Rows of [N] detections without those of an object that an earlier row has found."""
    chosen: list[int] = []
    for row, box in enumerate(boxes):
        earlier = boxes[[other for other in chosen if image_ids[other] == image_ids[row]]]
        if not (ious(earlier, box[None]) > SAME).any():
            chosen.append(row)
    return chosen


def positions(location: NDArray[Any], stride: float, bins: int, delta: float) -> NDArray[np.float64]:
    """[4, bins] where each bin puts its side: x of left, y of top, x of right, y of bottom, pixels."""
    distance = np.arange(bins) * delta * stride
    x, y = (float(value) for value in location)
    return np.stack([x - distance, y - distance, x + distance, y + distance])


def view(
    box: NDArray[Any], places: NDArray[Any], probabilities: NDArray[Any], size: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """A square around the box that holds its distributions, as far as the image reaches: (x from, to), (y from, to)."""
    seen = probabilities >= LEAST_SHOWN
    spans = []
    for axis in (0, 1):
        held = np.concatenate([places[axis][seen[axis]], places[axis + 2][seen[axis + 2]], box[[axis, axis + 2]]])
        spans.append((float(np.clip(held.min(), 0, size[axis])), float(np.clip(held.max(), 0, size[axis]))))
    length = (1 + MARGIN) * max(high - low for low, high in spans)
    x, y = ((low + high - length) / 2 for low, high in spans)
    return (x, x + length), (y, y + length)
