"""What is made of the features: ``detector=``, its priors, assignment, head and post-processing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING

from gfl_bench.config.schema.box import DiracCoding


class Ranking(Enum):
    """What competes for the candidates that go on to NMS."""

    pairs = "pairs"  # of a location and a class: mmdetection 3
    locations = "locations"  # by their best class: mmdetection 2


@dataclass
class PriorConfig:
    strides: list[int] = field(default_factory=lambda: [8, 16, 32, 64, 128])
    scale: float = 8.0  # side of the square prior box in strides
    offset: float = 0.0  # prior centre in the cell, in strides: 0 the corner (ATSS, GFL), 0.5 the middle (FCOS)


@dataclass
class AssignerConfig:
    name: str = MISSING


@dataclass
class ATSSAssigner(AssignerConfig):
    name: str = "atss"
    topk: int = 9  # closest priors on each level
    ignore_iof: float = -1.0  # priors covered by ignored boxes by more than this are ignored; below 0: never


@dataclass
class HeadConfig:
    channels: int = 256
    stacked_convs: int = 4
    norm_groups: int = 32
    score_prior: float = 0.01  # class probability at the start (Lin et al., 2017)


@dataclass
class PostProcessConfig:
    score_threshold: float = 0.05
    candidates: int = 1000  # kept on each level before NMS
    rank: Ranking = Ranking.pairs
    nms_iou: float = 0.6
    max_detections: int = 100


@dataclass
class DetectorConfig:
    name: str = MISSING
    prior: PriorConfig = field(default_factory=PriorConfig)
    assigner: AssignerConfig = field(default_factory=ATSSAssigner)
    head: HeadConfig = field(default_factory=HeadConfig)
    postprocess: PostProcessConfig = field(default_factory=PostProcessConfig)
    dirac_coding: DiracCoding = DiracCoding.delta
    box_loss_weight: float = 2.0  # lambda_0 of Eq. 15
    box_normaliser_min: float = 1.0  # floor of the summed box weights; 0 as in the first GFLv2 release
