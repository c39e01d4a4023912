"""How unsure each side of an object is, and how that is made visible.

Every side has a standard deviation sigma in pixels: what the picture leaves open about where the edge is. The label's
edge is drawn with exactly this spread around the true one, so that the best that a detector can predict for a side is
a distribution of this width. Three looks stand for it, each symmetric about the true edge:

- blur: the outline is smoothed by a Gaussian of standard deviation sigma across the side;
- fade: the object dissolves linearly over sqrt(12) sigma, the width of a uniform distribution with this sigma;
- veil: an unlabelled occluder of that width lies over the edge (``occluders.veil``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.scenes.textures import Array, Rng

FLOOR = 0.3  # sigma of a sharp side, pixels: anti-aliasing, compression and rounding
UNIFORM_WIDTH = math.sqrt(12)  # width of a uniform distribution, in its standard deviations
LARGEST_SHARE = 0.15  # of the object's extent: opposite sides never meet
SIGMA_RANGE = (1.0, 12.0)  # pixels, before the limit above
AMBIGUOUS_SHARE = 0.3  # of all sides


class Side(str, Enum):
    """Why a side is as sure as it is."""

    sharp = "sharp"
    blur = "blur"
    fade = "fade"
    veil = "veil"
    cut = "cut"  # another object or clutter lies over the true edge: the box ends where the object stops being visible
    border = "border"  # the image ends here


@dataclass
class Edges:
    """The four sides of one object, left, top, right, bottom."""

    sigma: NDArray[np.float64]  # [4] pixels
    kind: list[Side]


def draw_edges(rng: Rng, extent: tuple[float, float]) -> Edges:
    """Sides for an object of ``extent`` (width, height) pixels."""
    low, high = (math.log(value) for value in SIGMA_RANGE)
    wanted = np.exp(rng.uniform(low, high, 4))
    limit = LARGEST_SHARE * np.array([*extent, *extent])
    ambiguous = rng.random(4) < AMBIGUOUS_SHARE
    looks = (Side.blur, Side.fade, Side.veil)
    kinds = [looks[rng.integers(3)] if unsure else Side.sharp for unsure in ambiguous]
    return Edges(np.where(ambiguous, np.maximum(np.minimum(wanted, limit), FLOOR), FLOOR), kinds)


def margin_of(edges: Edges) -> int:
    """Pixels that the blur may add around an outline."""
    return 2 + math.ceil(3 * max([0.0, *edges.sigma[[kind is Side.blur for kind in edges.kind]]]))


def soften(coverage: Array, box: NDArray[np.float64], edges: Edges) -> Array:
    """Blur and fade the sides of a mask [H, W] whose sharp outline has the bounding box ``box`` (x1, y1, x2, y2)."""
    soft = coverage
    for axis, (near, far) in ((1, (0, 2)), (0, (1, 3))):
        span, kinds = (box[near], box[far]), (edges.kind[near], edges.kind[far])
        sigma = (float(edges.sigma[near]), float(edges.sigma[far]))
        if Side.blur in kinds:
            soft = _blur(soft, axis, span, _only(Side.blur, kinds, sigma))
        if Side.fade in kinds:
            ramp = _ramp(soft.shape[axis], span, _only(Side.fade, kinds, sigma))
            soft = soft * (ramp if axis == 1 else ramp[:, None])
    return np.asarray(soft, np.float32)


def _only(kind: Side, kinds: tuple[Side, Side], sigma: tuple[float, float]) -> tuple[float, float]:
    return tuple(s if k is kind else 0.0 for k, s in zip(kinds, sigma, strict=True))  # type: ignore[return-value]


def _blur(mask: Array, axis: int, span: tuple[float, float], sigma: tuple[float, float]) -> Array:
    """Smooth along one axis, by ``sigma[0]`` on the near side and ``sigma[1]`` on the far one.

    The width is constant within 3 sigma of the edge, so that the edge itself is an exact error function, and sinks
    to nothing at the middle of the object.
    """
    centre = np.arange(mask.shape[axis], dtype=np.float64) + 0.5
    width = np.maximum(
        sigma[0] * _plateau(centre - span[0], span[1] - span[0]),
        sigma[1] * _plateau(span[1] - centre, span[1] - span[0]),
    )
    kernel = np.exp(-0.5 * ((centre[:, None] - centre) / np.maximum(width, 0.05)) ** 2)
    kernel /= kernel.sum(0)
    return mask @ kernel if axis == 1 else kernel.T @ mask


def _plateau(depth: NDArray[np.float64], extent: float) -> NDArray[np.float64]:
    """1 up to 45 % of the extent inside the edge, 0 from 55 % on."""
    return np.clip((0.55 - depth / extent) / 0.1, 0, 1)


def _ramp(length: int, span: tuple[float, float], sigma: tuple[float, float]) -> Array:
    """Opacity along one axis: linear from 0 at the outline's extreme to 1 after sqrt(12) sigma."""
    centre = np.arange(length, dtype=np.float32) + 0.5
    ramp = np.ones(length, np.float32)
    for depth, width in ((centre - span[0], sigma[0]), (span[1] - centre, sigma[1])):
        if width > 0:
            ramp = ramp * np.clip(depth / (UNIFORM_WIDTH * width), 0, 1)
    return ramp
