"""What a predicted side is: ``box=`` (Tables 6 and 7)."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING


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
