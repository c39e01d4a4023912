"""Fig. 13: accuracy against the time an image takes, and the detectors that no other beats in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from analysis.figures.records import Records
from analysis.figures.runs import Picked, Run
from analysis.figures.style import COLOURS, MARKERS, canvas
from analysis.tables.timings import is_usual
from gfl_bench.results.speed_records import Comparison

# Each detector as published, and with GFocal where there is such a row.
DETECTORS = {
    "RetinaNet": ("table12.retinanet", "table12.retinanet_gfocal"),
    "FoveaBox": ("table12.foveabox", "table12.foveabox_gfocal"),
    "FCOS": ("table12.fcos", "table12.fcos_gfocal"),
    "ATSS": ("table12.atss", "table12.atss_gfocal"),
    "RepPoints v2": ("table12.reppoints_v2", "table12.reppoints_v2_gfocal"),
    "PAA": ("table13.paa",),
    "BorderDet": ("table13.borderdet",),
}  # fmt: skip
CELLS = tuple(cell for cells in DETECTORS.values() for cell in cells)
Point = tuple[float, float]  # milliseconds, AP


def draw(records: Records) -> tuple[Canvas, str]:
    picked = records.pick(CELLS, usable=lambda run: {"AP", "FPS"} <= run.metrics.keys(), least=2)
    hardware, points = in_turns(picked, records.speeds) or on_one_machine(picked.runs)
    drawing = canvas(2.7)
    axis = drawing.add_subplot()
    for (name, cells), marker, colour in zip(DETECTORS.items(), MARKERS, COLOURS, strict=True):
        _draw_detector(axis, name, [points[cell] for cell in cells if cell in points], marker, colour)
    front = pareto(list(points.values()))
    times, accuracies = zip(*front, strict=True)
    axis.step(times, accuracies, where="post", color="0.6", lw=0.9, ls="--", zorder=0, label="Pareto front")
    axis.set(xlabel="time of an image (ms)", ylabel="AP")
    axis.margins(0.08)
    axis.plot([], [], marker="o", ls="none", color="0.4", ms=5, label="with GFocal")
    drawing.legend(loc="outside lower center", ncols=3)
    return drawing, (
        "AP against the time of an image, post-processing included, means over seeds; filled: with GFocal, an arrow "
        "from the detector without. No detector is faster and more accurate than one on the Pareto front. "
        f"Timed on {hardware}. {picked.source}"
    )


def in_turns(picked: Picked, speeds: Sequence[Comparison]) -> tuple[str, dict[str, Point]] | None:
    """The same as ``on_one_machine`` by sessions that timed all of the cells; None where none did."""
    if picked.condition.changes:
        return None
    for one in (one for one in reversed(speeds) if is_usual(one, picked.condition.scale)):
        timed = {cell: one.speed(cell) for cell in picked.runs}
        points = {cell: (speed.median_ms, _mean_ap(picked.runs[cell])) for cell, speed in timed.items() if speed}
        if len(points) == len(timed):
            return f"{one.machine}, in turns", points
    return None


def on_one_machine(runs: Mapping[str, Sequence[Run]]) -> tuple[str, dict[str, Point]]:
    """The hardware that most cells were timed on, and each cell's mean milliseconds an image and AP there."""
    by_machine: dict[str, dict[str, list[Run]]] = {}
    for cell, found in runs.items():
        for run in found:
            by_machine.setdefault(str(run.hardware), {}).setdefault(cell, []).append(run)
    hardware, timed = max(by_machine.items(), key=lambda one: (len(one[1]), one[0]))
    return f"{hardware}, each run by itself, beside whatever else the machine did", {
        cell: (fmean(1000 / run.metrics["FPS"] for run in found), _mean_ap(found)) for cell, found in timed.items()
    }


def _mean_ap(runs: Sequence[Run]) -> float:
    return fmean(run.metrics["AP"] for run in runs)


def pareto(points: Sequence[Point]) -> list[Point]:
    """The points, by rising time, that are more accurate than every faster one."""
    front: list[Point] = []
    for point in sorted(points, key=lambda one: (one[0], -one[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front


def _draw_detector(axis: Axes, name: str, points: list[Point], marker: str, colour: str) -> None:
    for index, point in enumerate(points):
        face = colour if index else "white"
        axis.plot(*point, marker=marker, ls="none", color=colour, mfc=face, ms=5, label="_" if index else name)
    if len(points) == 2:
        arrow = {"arrowstyle": "->", "color": colour, "lw": 0.7, "shrinkA": 4, "shrinkB": 4}
        axis.annotate("", points[1], points[0], arrowprops=arrow)
