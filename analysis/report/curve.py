"""Training curves small enough for thousands on one page: SVG paths of at most ``POINTS`` points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

POINTS = 60
WIDTH, HEIGHT = 300, 60  # of the view box

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """The loss of some seeds over one pair of axes.

    Attributes:
        paths: by seed, the ``d`` of an SVG path in a box of WIDTH x HEIGHT.
        low, high: the loss at the lower and the upper edge.
        first, last: the step at the left and the right edge.
    """

    paths: Mapping[int, str]
    low: float
    high: float
    first: int
    last: int


def training_curve(logs: Mapping[int, Sequence[Mapping[str, Any]]]) -> Curve | None:
    """The loss in ``logs``, by seed the lines of metrics.jsonl; None where none has two finite ones."""
    lines = {seed: thin(_points(log)) for seed, log in logs.items()}
    lines = {seed: points for seed, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    steps, losses = zip(*(point for points in lines.values() for point in points), strict=True)
    box = min(steps), max(steps), min(losses), max(losses)
    return Curve(
        paths={seed: _path(points, box) for seed, points in lines.items()},
        low=box[2], high=box[3], first=round(box[0]), last=round(box[1]),
    )


def thin(points: Sequence[Point]) -> list[Point]:
    """``points`` as they are, or means of POINTS stretches of equal length."""
    if len(points) <= POINTS:
        return list(points)
    edges = [round(index * len(points) / POINTS) for index in range(POINTS + 1)]
    return [_mean(points[start:end]) for start, end in pairwise(edges)]


def _points(log: Sequence[Mapping[str, Any]]) -> list[Point]:
    found = ((int(line["step"]), line.get("loss")) for line in log)
    return [(step, loss) for step, loss in found if isinstance(loss, int | float) and math.isfinite(loss)]


def _mean(points: Sequence[Point]) -> Point:
    steps, values = zip(*points, strict=True)
    return sum(steps) / len(steps), sum(values) / len(values)


def _path(points: Sequence[Point], box: tuple[float, float, float, float]) -> str:
    first, last, low, high = box
    placed = (
        (round((x - first) / ((last - first) or 1) * WIDTH), round((high - y) / ((high - low) or 1) * HEIGHT, 1))
        for x, y in points
    )
    return "M" + "L".join(f"{x} {y:g}" for x, y in placed)
