"""One crowded scene, painted from the horizon to the viewer. A pure function of seed, split and index."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.crowdhuman.odgt import Body, Box
from gfl_bench.data.scenes import clutter
from gfl_bench.data.scenes.ambiguity import FLOOR, Edges, Side
from gfl_bench.data.scenes.canvas import Canvas, Placed
from gfl_bench.data.scenes.clutter import Layer
from gfl_bench.data.scenes.crowds.figure import Figure, draw_figure
from gfl_bench.data.scenes.extent import visible_box
from gfl_bench.data.scenes.scene import exposed
from gfl_bench.data.scenes.textures import Rng

MOST_PERSONS = 24
CLUSTERS = (1, 3)
SPREAD = 0.12  # of the image, standard deviation of a cluster's places
HEIGHTS = (0.12, 0.55)  # of the image, at the horizon and where the image ends
LEAST_SEEN = 0.12  # share of a person; who shows less is ignored
STATUE_SHARE = 0.02  # of the figures; to be ignored
DISTANT_SHARE = 0.3  # of the scenes, with a crowd too far away to be counted


@dataclass
class Standing(Placed):
    """A figure in the scene."""

    head: NDArray[np.float64]  # [4] pixels of the scene
    ignored: bool


@dataclass
class CrowdScene:
    image: NDArray[np.uint8]  # [size, size, 3] RGB
    labels: list[Body]


def render_crowd(seed: int, split: int, index: int, size: int) -> CrowdScene:
    """Scene ``index`` of a split, ``size`` pixels high and wide."""
    rng = np.random.default_rng([seed, split, index])
    canvas = Canvas(clutter.ground(rng, size))
    horizon = float(rng.uniform(0.15, 0.45)) * size
    labels = [_distant(rng, canvas, horizon)] if rng.random() < DISTANT_SHARE else []
    standing: list[Standing] = []
    for x, y in _places(rng, size, horizon):
        figure = draw_figure(rng, _height(rng, y, horizon, size), stone := bool(rng.random() < STATUE_SHARE))
        standing.append(_stand(canvas, standing, _layer(figure, x, y), figure, stone))
    labels += [label for one in standing if (label := _label(one)) is not None]
    return CrowdScene(exposed(rng, canvas.pixels), labels)


def _places(rng: Rng, size: int, horizon: float) -> list[tuple[float, float]]:
    """Where the persons' feet stand, the farthest first; near ones may stand below the image."""
    centres = rng.uniform([0.1 * size, horizon], [0.9 * size, 1.2 * size], (rng.integers(*CLUSTERS, endpoint=True), 2))
    count = min(3 + int(rng.poisson(8)), MOST_PERSONS)
    places = centres[rng.integers(len(centres), size=count)] + rng.normal(0, SPREAD * size, (count, 2))
    places[:, 1] = np.clip(places[:, 1], horizon + 0.02 * size, 1.35 * size)
    return [(float(x), float(y)) for x, y in places[np.argsort(places[:, 1])]]


def _height(rng: Rng, y: float, horizon: float, size: int) -> float:
    """Of a person whose feet are at ``y``; perspective is linear from the horizon down."""
    near = (y - horizon) / (size - horizon)
    return float((HEIGHTS[0] + near * (HEIGHTS[1] - HEIGHTS[0])) * size * rng.normal(1, 0.07))


def _stand(canvas: Canvas, others: list[Standing], layer: Layer, figure: Figure, ignored: bool) -> Standing:
    """Paint a figure over the ``others``."""
    corner = np.array([layer.x, layer.y] * 2, np.float64)
    canvas.put(layer, list(others))
    seen = canvas.spread(layer)
    return Standing(
        0, figure.box + corner, Edges(np.full(4, FLOOR), [Side.sharp] * 4), seen, float(figure.opacity.sum()),
        float(seen.sum()), head=figure.head + corner, ignored=ignored,
    )  # fmt: skip


def _layer(figure: Figure, x: float, y: float) -> Layer:
    """The figure with its feet at (x, y)."""
    left, _, right, bottom = figure.box
    return Layer(figure.opacity, figure.paint, round(x - (left + right) / 2), round(y - bottom))


def _distant(rng: Rng, canvas: Canvas, horizon: float) -> Body:
    """Many small figures in a row at the horizon, one ignored region together."""
    size = len(canvas.pixels)
    start, length = rng.uniform(-0.1, 0.6) * size, rng.uniform(0.25, 0.6) * size
    boxes = []
    for x in np.sort(rng.uniform(start, start + length, int(length / 4))):
        layer = _layer(draw_figure(rng, float(rng.uniform(0.06, 0.1) * size)), x, horizon + rng.uniform(-2, 2))
        canvas.put(layer, [])
        boxes.append([layer.x, layer.y, layer.x + layer.opacity.shape[1], layer.y + layer.opacity.shape[0]])
    corners = np.array(boxes)
    region = _xywh(np.concatenate([corners[:, :2].min(0), corners[:, 2:].max(0)]))
    return Body(region, region, region, ignored=True)


def _label(person: Standing) -> Body | None:
    """A person's boxes; None where nothing of it is half visible."""
    visible = visible_box(person.visibility)
    if visible is None:
        return None
    body = Body(_xywh(person.own_box), _xywh(visible), _xywh(person.head), person.ignored)
    return replace(body, ignored=True) if person.showing < LEAST_SEEN * person.area else body


def _xywh(box: NDArray[np.float64]) -> Box:
    x1, y1, x2, y2 = (round(float(value), 2) for value in box)
    return x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)
