"""A scene being painted, back to front, and how much of each object still shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.scenes.ambiguity import FLOOR, LARGEST_SHARE, Edges, Side
from gfl_bench.data.scenes.clutter import Layer
from gfl_bench.data.scenes.extent import transition, visible_box
from gfl_bench.data.scenes.textures import Array

LEAST_VISIBLE = 0.55  # share of an object's area that others must leave
LEAST_INSIDE = 0.5  # share of an object's area inside the image
LEAST_EXTENT = 6.0  # pixels; shorter boxes are not labelled
MOVED = 0.75  # pixels by which an edge must differ from the object's own to count as cut


@dataclass
class Placed:
    """A labelled object in the scene."""

    label: int
    own_box: NDArray[np.float64]  # [4] pixels of the scene, as if nothing lay over it
    edges: Edges
    visibility: Array  # [H, W], its own veils not counted: what they hide is its uncertain side
    area: float  # visible pixels when it was placed
    showing: float  # visible pixels now


@dataclass
class Canvas:
    pixels: Array  # [H, W, 3] grey levels
    objects: list[Placed] = field(default_factory=list)

    def spread(self, layer: Layer) -> Array:
        """The layer's opacity on the whole canvas, [H, W]."""
        whole = np.zeros(self.pixels.shape[:2], np.float32)
        target, source = self._windows(layer)
        whole[target] = layer.opacity[source]
        return whole

    def leaves_all_visible(self, layer: Layer) -> bool:
        """Would every object that is there stay recognisable under this layer?"""
        target, source = self._windows(layer)
        return all(
            thing.showing - np.vdot(thing.visibility[target], layer.opacity[source]) >= LEAST_VISIBLE * thing.area
            for thing in self.objects
        )

    def tone_at(self, layer: Layer) -> Array:
        """The mean colour where the layer would be, from a sixteenth of its pixels, [3]."""
        target, _ = self._windows(layer)
        region = self.pixels[target][::4, ::4]
        return region.reshape(-1, 3).mean(0) if region.size else self.pixels[0, 0]

    def put(self, layer: Layer, hides: list[Placed]) -> None:
        """Paint ``layer`` over the scene, hiding the given objects."""
        target, source = self._windows(layer)
        opacity = layer.opacity[source]
        region = self.pixels[target]
        region += opacity[..., None] * (layer.paint[source] - region)
        for thing in hides:
            thing.showing -= float(np.vdot(thing.visibility[target], opacity))
            thing.visibility[target] *= 1 - opacity

    def _windows(self, layer: Layer) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Where the layer falls on the canvas, and which part of the layer that is."""
        target, source = [], []
        for start, length, limit in zip((layer.y, layer.x), layer.opacity.shape, self.pixels.shape, strict=False):
            first, last = max(start, 0), max(min(start + length, limit), 0)
            last = max(first, last)
            target.append(slice(first, last))
            source.append(slice(first - start, last - start))
        return (target[0], target[1]), (source[0], source[1])


def labelled_box(thing: Placed, size: int) -> tuple[NDArray[np.float64], Edges] | None:
    """The visible box of an object and its sides, or None if too little shows.

    A side that something else covers, or that the image ends, is no longer the object's own: its sigma is that of
    what is seen there, at most the share of the box that an ambiguous side may have.
    """
    box = visible_box(thing.visibility)
    if box is None or min(box[2] - box[0], box[3] - box[1]) < LEAST_EXTENT:
        return None
    edges = Edges(thing.edges.sigma.copy(), list(thing.edges.kind))
    at_border = np.array([box[0] < 0.5, box[1] < 0.5, box[2] > size - 0.5, box[3] > size - 0.5])
    limit = LARGEST_SHARE * np.tile(box[2:] - box[:2], 2)
    seen = np.clip(transition(thing.visibility), FLOOR, limit)
    for side in range(4):
        if at_border[side]:
            edges.sigma[side], edges.kind[side] = FLOOR, Side.border
        elif abs(box[side] - thing.own_box[side]) > MOVED:
            edges.sigma[side], edges.kind[side] = seen[side], Side.cut
    return box, edges
