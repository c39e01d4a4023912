"""What a location's quality is read from: ``guidance=`` (Fig. 5, Tables 8 and 9)."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING


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


@dataclass
class SampledGuidance(GuidanceConfig):
    """Features of the regression tower at some locations; ``name`` says which."""

    d: int = 64  # hidden units, as DGQP has
