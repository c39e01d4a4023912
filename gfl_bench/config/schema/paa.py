"""PAA's own options: ``detector=paa``."""

from __future__ import annotations

from dataclasses import dataclass, field

from gfl_bench.config.schema.assigner import AssignerConfig, MaxIoUAssigner
from gfl_bench.config.schema.detector import DetectorConfig, LatticeConfig, PriorConfig


@dataclass
class MixtureConfig:
    """How two normal distributions are fitted; scikit-learn's defaults, as in mmdetection."""

    tolerance: float = 1e-3  # gain of the mean log-likelihood below which a fit is finished
    iterations: int = 100  # at most
    variance_floor: float = 1e-6  # added to each variance


@dataclass
class PAA(DetectorConfig):
    """``assigner`` says who may be positive; who is, the losses decide."""

    prior: LatticeConfig = field(default_factory=PriorConfig)
    assigner: AssignerConfig = field(default_factory=MaxIoUAssigner)
    topk: int = 9  # priors of lowest loss on each level, of a ground truth's
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    score_voting: bool = True  # a detection becomes the mean of the candidates around it
