"""What a predicted side is: ``box=`` (Tables 1, 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from omegaconf import MISSING


@dataclass(frozen=True)
class Supports:
    """What a distribution of a side is able to do (Table 1), x the prediction, y the target.

    A test proves each of these on the part itself.

    Attributes:
        title: the distribution's name.
        density: what is predicted of the side.
        decoded: the distance that a prediction is decoded to.
        uncertainty: whether predictions of one distance may differ in how sure they are of it.
        several_peaks: whether a side may have more than one likely place.
        edge: the loss on a single side that trains every predicted number; empty where there is none.
        box: the loss on the whole box that trains every predicted number; empty where there is none.
    """

    title: str
    density: str
    decoded: str
    uncertainty: bool
    several_peaks: bool
    edge: str
    box: str


IOU_BASED = "IoU-based"


@dataclass
class BoxConfig:
    name: str = MISSING

    supports: ClassVar[Supports]


@dataclass
class Dirac(BoxConfig):
    name: str = "dirac"

    supports: ClassVar[Supports] = Supports(
        "Dirac delta", "δ(x - y)", "x", uncertainty=False, several_peaks=False, edge="(x - y)²/2", box=IOU_BASED,
    )


@dataclass
class Gaussian(BoxConfig):
    name: str = "gaussian"
    smooth: bool = False  # linear beyond one stride, as smooth L1 is

    supports: ClassVar[Supports] = Supports(
        "Gaussian", "N(x, σ²)", "x", uncertainty=True, several_peaks=False, box="",
        edge="(x - y)²/(2σ²) + log(σ²)/2",  # noqa: RUF001
    )


@dataclass
class General(BoxConfig):
    name: str = "general"
    n: int = 16  # number of intervals; the softmax has n + 1 outputs
    delta: float = 1.0  # interval length in strides; the range is [0, n * delta]

    supports: ClassVar[Supports] = Supports(
        "General", "P(x)", "∫ P(x) x dx", uncertainty=True, several_peaks=True, edge="(∫ P(x) x dx - y)²",
        box=IOU_BASED,
    )


@dataclass
class GeneralDFL(General):
    name: str = "general_dfl"
    dfl_weight: float = 0.25  # lambda_1 of Eq. 15

    supports: ClassVar[Supports] = replace(General.supports, title="General with DFL", edge="DFL")
