"""Fig. 16, and the same of any data: what GFocal finds in the first validation images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from analysis.figures.picture import draw_box, draw_truth, show_image, truth_words
from analysis.figures.records import Records, has_evidence
from analysis.figures.style import GREEN, canvas

READS = ("example_jpeg", "example_jpeg_end", "example_scale", "detection_example", "detection_box", "detection_score")
LEAST_SCORE = 0.3
IMAGES = 4


def draw_crowds(records: Records) -> tuple[Canvas, str]:
    return _draw(records, [("table14.gfocal",)])


def draw(records: Records) -> tuple[Canvas, str]:
    return _draw(records, [("table11.gfocal",), ("table11.qfl_dfl",), ("table11.qfl",), ("table11.atss",)])


def _draw(records: Records, choices: Sequence[Sequence[str]]) -> tuple[Canvas, str]:
    picked = records.pick(*choices, usable=has_evidence(*READS))
    evidence = picked.first.evidence
    drawing = canvas(3.5)
    axes = drawing.subplots(2, 2).flat
    for index, axis in enumerate(axes):
        axis.set_axis_off()
        if index < min(IMAGES, len(evidence["example_jpeg_end"])):
            show_image(axis, evidence, "example", index)
            draw_truth(axis, evidence, "example", index)
            found = (evidence["detection_example"] == index) & (evidence["detection_score"] >= LEAST_SCORE)
            for box in evidence["detection_box"][np.flatnonzero(found)]:
                draw_box(axis, box, GREEN, width=0.9)
    return drawing, (
        f"Detections of score {LEAST_SCORE} and more in the first validation images (green). "
        f"{truth_words(evidence, 'example')}{picked.one_source}"
    )
