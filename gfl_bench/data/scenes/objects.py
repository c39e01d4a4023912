"""One labelled object: its mask with soft sides, its surface, and the occluders that hide its veiled sides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.scenes import textures
from gfl_bench.data.scenes.ambiguity import Edges, Side, draw_edges, margin_of, soften
from gfl_bench.data.scenes.clutter import Layer, veil
from gfl_bench.data.scenes.coats import coat, hue
from gfl_bench.data.scenes.extent import visible_box
from gfl_bench.data.scenes.shapes import CLASSES, draw_outline, rasterise
from gfl_bench.data.scenes.textures import Array, Rng

NAMES = tuple(CLASSES)
COATED_SHARE = 0.7  # wear their class's pattern
HUED_SHARE = 0.8  # have their class's hue
CAMOUFLAGED_SHARE = 0.3  # of the others
SIDES = ((16.0, 31.0), (32.0, 95.0), (96.0, 150.0))  # box side in pixels: COCO's small, medium and large
SHARES = (0.38, 0.40, 0.22)  # of the draws, a little more for large ones, which find no room more often


@dataclass
class Thing:
    """An object before it is placed; boxes are relative to its mask."""

    label: int  # index into ``NAMES``
    opacity: Array  # [h, w]
    box: NDArray[np.float64]  # where it is half visible
    edges: Edges


def draw_side(rng: Rng, size: int) -> float:
    """Root of the box area, log-uniform within small, medium or large, as far as an image of ``size`` can hold them."""
    fitting = [(low, min(high, 0.94 * size)) for low, high in SIDES if low < 0.75 * size]
    share = np.cumsum(SHARES[: len(fitting)])
    low, high = fitting[int(np.searchsorted(share, rng.random() * share[-1]))]
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def draw_thing(rng: Rng, side: float) -> Thing:
    """An object of any class whose box covers about ``side ** 2`` pixels."""
    label = int(rng.integers(len(NAMES)))
    outline = draw_outline(rng, NAMES[label], side)
    width, height = np.ptp(outline[0], axis=0)
    edges = draw_edges(rng, (float(width), float(height)))
    margin = margin_of(edges)
    coverage = rasterise([polygon + rng.uniform(0, 1, 2) for polygon in outline], margin)
    sharp = visible_box(coverage)
    opacity = soften(coverage, sharp, edges) if sharp is not None else coverage
    box = visible_box(opacity)
    return Thing(label, opacity, np.zeros(4) if box is None else box, edges)


def paint(rng: Rng, thing: Thing, local: Array) -> Array:
    """A surface for the object, [h, w, 3], shaded on one side; ``local`` is the colour of the surroundings."""
    shape, tone = thing.opacity.shape, _tone(rng, thing, local)
    if rng.random() < COATED_SHARE:
        surface = textures.dyed(rng, coat(rng, NAMES[thing.label], shape, thing.box), tone, float(rng.uniform(25, 90)))
    else:
        surface = textures.surface(rng, shape, tone, float(rng.uniform(5, 40)))
    slope = rng.uniform(-0.15, 0.15, 2)
    light = 1 + np.linspace(-slope[0], slope[0], shape[0])[:, None] + np.linspace(-slope[1], slope[1], shape[1])
    return np.asarray(surface * light[..., None], np.float32)


def _tone(rng: Rng, thing: Thing, local: Array) -> Array:
    """The colour typical of the class, or any other, in some cases one hard to tell from the ``local`` colour."""
    if rng.random() < HUED_SHARE:
        return hue(rng, NAMES[thing.label])
    distance = rng.uniform(25, 45) if rng.random() < CAMOUFLAGED_SHARE else rng.uniform(50, 130)
    return textures.away_from(rng, local, float(distance))


def veils(rng: Rng, thing: Thing, local: Array) -> list[Layer]:
    """The occluders over the object's veiled sides, relative to its mask."""
    return [
        veil(rng, thing.opacity, side, float(thing.box[side]), float(thing.edges.sigma[side]), local)
        for side in range(4)
        if thing.edges.kind[side] is Side.veil
    ]
