"""Fig. 16, and the same of any data: what GFocal finds in the first validation images."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from analysis.evidence import Arrays
from analysis.figures.picture import draw_box, draw_truth, show_image, truth_words
from analysis.figures.records import Records
from analysis.figures.runs import Picked, has_evidence
from analysis.figures.style import BLACK, COLOURS, GREEN, canvas

READS = ("example_jpeg", "example_jpeg_end", "example_scale", "detection_example", "detection_box", "detection_score")
CHOICES = tuple(
    (cell,)
    for cell in (
        "table11.gfocal", "table11.qfl_dfl", "table11.qfl", "table11.atss", "table15.nanodet_416",
        "table15.nanodet_320",
    )
)  # fmt: skip
LEAST_SCORE = 0.3
IMAGES = 4
TELLING = [colour for colour in COLOURS if colour != BLACK]


def draw_crowds(records: Records) -> tuple[Canvas, str]:
    """Detections alone, since where boxes overlap so much no more can be made out."""
    picked = records.pick(("table14.gfocal",), usable=has_evidence(*READS))
    said = f"Detections of score {LEAST_SCORE} and more in the first validation images, in any colours. "
    return _draw(picked, _draw_many), f"{said}{picked.one_source}"


def draw(records: Records) -> tuple[Canvas, str]:
    picked = records.pick(*CHOICES, usable=has_evidence(*READS))
    return _draw(picked, _draw_beside_truth), (
        f"Detections of score {LEAST_SCORE} and more in the first validation images (green). "
        f"{truth_words(picked.first.evidence, 'example')}{picked.one_source}"
    )


def _draw(picked: Picked, draw_boxes: Callable[[Axes, Arrays, int], None]) -> Canvas:
    evidence = picked.first.evidence
    drawing = canvas(3.5)
    for index, axis in enumerate(drawing.subplots(2, 2).flat):
        axis.set_axis_off()
        if index < min(IMAGES, len(evidence["example_jpeg_end"])):
            show_image(axis, evidence, "example", index)
            draw_boxes(axis, evidence, index)
    return drawing


def _draw_beside_truth(axis: Axes, evidence: Arrays, index: int) -> None:
    draw_truth(axis, evidence, "example", index)
    for box in _found(evidence, index):
        draw_box(axis, box, GREEN, width=0.9)


def _draw_many(axis: Axes, evidence: Arrays, index: int) -> None:
    for number, box in enumerate(_found(evidence, index)):
        draw_box(axis, box, TELLING[number % len(TELLING)], width=0.9, halo=False)


def _found(evidence: Arrays, index: int) -> Iterator[NDArray[np.float32]]:
    """Boxes of one image."""
    found = (evidence["detection_example"] == index) & (evidence["detection_score"] >= LEAST_SCORE)
    yield from evidence["detection_box"][np.flatnonzero(found)]
