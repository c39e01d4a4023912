"""What a predicted side is, and what its quality is read from: ``box=`` and ``guidance=`` (Tables 6 to 8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from omegaconf import MISSING


class DiracCoding(Enum):
    """What the four numbers of a Dirac box mean."""

    delta = "delta"  # centre offset and log size from the prior box: mmdetection's ATSS
    distance = "distance"  # l, t, r, b in strides from the prior's centre: as the distributions


@dataclass
class BoxConfig:
    name: str = MISSING


@dataclass
class Dirac(BoxConfig):
    name: str = "dirac"


@dataclass
class Gaussian(BoxConfig):
    name: str = "gaussian"
    smooth: bool = False  # linear beyond one stride, as smooth L1 is


@dataclass
class General(BoxConfig):
    name: str = "general"
    n: int = 16  # number of intervals; the softmax has n + 1 outputs
    delta: float = 1.0  # interval length in strides; the range is [0, n * delta]


@dataclass
class GeneralDFL(General):
    name: str = "general_dfl"
    dfl_weight: float = 0.25  # lambda_1 of Eq. 15


@dataclass
class GuidanceConfig:
    name: str = MISSING


@dataclass
class NoGuidance(GuidanceConfig):
    name: str = "none"


@dataclass
class DistributionGuidance(GuidanceConfig):
    name: str = "distribution"
    k: int = 4  # top-k probabilities of each side, and their mean (Eq. 5); 0 is no guidance
    d: int = 64  # hidden units (Eq. 6)
