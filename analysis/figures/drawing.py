"""All figures, in the paper's order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import matplotlib
import pandas as pd

from analysis.figures import (
    ambiguity,
    background,
    correlation,
    distributions,
    general,
    learning,
    qfl,
    qualitative,
    suppression,
    targets,
    topkm,
    tradeoff,
)
from analysis.figures.figure import Figure, Subject, Unmeasured
from analysis.figures.records import Records
from analysis.figures.style import STYLE, save
from gfl_bench.results.speed_records import Comparison
from gfl_bench.sweep.cells import ComposedCells

SUBJECTS = (
    Subject("fig02_background_quality", "Figure 2. Quality of the background", background.draw),
    Subject("fig03_general_distribution", "Figure 3. Shape of a distribution and quality of its box", general.draw),
    Subject("fig07_qfl", "Figure 7. Quality focal loss", qfl.draw),
    Subject("fig08_topkm", "Figure 8. Topkm under shift", topkm.draw),
    Subject("fig10_targets", "Figure 10. Regression targets", targets.draw),
    Subject("fig11_flat", "Figure 11. Flat distributions", distributions.draw_flat),
    Subject("fig12_sharp", "Figure 12. Sharp distributions", distributions.draw_sharp),
    Subject("fig13_speed_accuracy", "Figure 13. Speed against accuracy", tradeoff.draw),
    Subject("fig14_nms", "Figure 14. Before and after NMS", suppression.draw),
    Subject("fig15_quality_loss", "Figure 15. Loss on quality with and without DGQP", learning.draw),
    Subject("fig16_crowds", "Figure 16. Detections in crowds", qualitative.draw_crowds),
    Subject("quality_against_iou", "Table 10 as a picture: predicted quality against IoU", correlation.draw),
    Subject("ambiguity", "Predicted spread against true ambiguity", ambiguity.draw),
    Subject("detections", "Detections on the first validation images", qualitative.draw),
)


def draw_all(
    runs: pd.DataFrame, out: Path, cells: ComposedCells | None = None, speeds: Sequence[Comparison] = ()
) -> list[Figure]:
    """See ``draw_figures``."""
    out.mkdir(parents=True, exist_ok=True)
    records = Records(runs, cells, speeds)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's own settings would make other files
        matplotlib.rcParams.update(cast(Any, STYLE))  # the stubs want literal names
        return [_figure(subject, records, out) for subject in SUBJECTS]


def _figure(subject: Subject, records: Records, out: Path) -> Figure:
    try:
        drawing, caption = subject.draw(records)
    except Unmeasured as reason:
        for suffix in (".png", ".pdf"):  # of earlier records, which the report would go on showing
            (out / f"{subject.name}{suffix}").unlink(missing_ok=True)
        return Figure(subject.name, subject.title, "", None, None, reason.missing, reason.command)
    png, pdf = save(drawing, out, subject.name)
    return Figure(subject.name, subject.title, caption, png, pdf)
