"""What is made of the features: ``detector=``, its priors, assignment, head and post-processing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING

from gfl_bench.config.schema.assigner import (
    AssignerConfig,
    ATSSAssigner,
    FCOSAssigner,
    FoveaAssigner,
    MaxIoUAssigner,
)
from gfl_bench.config.schema.dirac import DiracConfig


class Ranking(Enum):
    """What competes for the candidates that go on to NMS."""

    pairs = "pairs"  # of a location and a class: mmdetection 3
    locations = "locations"  # by their best class: mmdetection 2


class Norm(Enum):
    """What follows each convolution of a tower."""

    group = "group"  # group norm
    none = "none"


class Tower(Enum):
    """One of the head's two towers."""

    cls = "cls"
    box = "box"


class PyramidSource(Enum):
    """What P6 is computed from."""

    input = "input"  # C5: RetinaNet
    output = "output"  # P5: FCOS and its heirs


class Count(Enum):
    """What the class losses are divided by, of a batch with K positives."""

    each_image = "each_image"  # K, of which an image counts at least one: ATSS, GFL, RetinaNet
    batch = "batch"  # K, at least 1: FCOS
    or_images = "or_images"  # K, at least the number of images: PAA
    and_images = "and_images"  # K and the number of images: FoveaBox
    images = "images"  # the number of images: YOLO


class BoxNormaliser(Enum):
    """What the box losses are divided by."""

    weights = "weights"  # the sum of the positives' weights
    count = "count"  # the same as the class losses, where all positives weigh 1


@dataclass
class LatticeConfig:
    strides: list[int] = field(default_factory=lambda: [8, 16, 32, 64, 128])
    offset: float = 0.0  # prior centre in the cell, in strides: 0 the corner (ATSS, GFL), 0.5 the middle (FCOS)


@dataclass
class PriorConfig(LatticeConfig):
    """The same boxes in each cell of each level, in strides."""

    scale: float = 8.0  # side of the smallest square prior box in strides
    octave_steps: int = 1  # box sizes of a cell: scale * 2^(i / octave_steps)
    ratios: list[float] = field(default_factory=lambda: [1.0])  # height / width of a cell's boxes


@dataclass
class PyramidConfig:
    """What the detector asks of its neck."""

    extra_from: PyramidSource = PyramidSource.output
    relu_before_p7: bool = False  # FCOS has it, ATSS and GFL do not
    norm_groups: int = 0  # of a group norm behind each convolution: RepPoints V2; 0: there is none


@dataclass
class HeadConfig:
    channels: int = 256
    stacked_convs: int = 4
    norm: Norm = Norm.group
    norm_groups: int = 32
    conv_bias: bool = False  # of the towers' convolutions beside their norm; without a norm they have one anyway
    aux_tower: Tower = Tower.box  # which tower a quality branch reads
    level_scales: bool = True  # a learnt factor on the sides' numbers of each level
    score_prior: float = 0.01  # class probability at the start (Lin et al., 2017)


@dataclass
class FocalConfig:
    """Focal loss (Lin et al., 2017), of the qualities whose class targets are one-hot."""

    alpha: float = 0.25
    gamma: float = 2.0


@dataclass
class PostProcessConfig:
    score_threshold: float = 0.05
    candidates: int = 1000  # kept on each level before NMS
    rank: Ranking = Ranking.pairs
    nms_iou: float = 0.6
    max_detections: int = 100
    margin: float = 0.0  # pixels that clipped boxes keep from the image's right and lower border
    keep_empty: bool = False  # boxes that clipping left without area


@dataclass
class RecipeConfig:
    """How a detector is trained where it was published with other values than the schedule's."""

    lr_factor: float = 1.0  # on schedule.lr
    bias_lr_factor: float = 1.0  # on the rate of biases, those of norms and deformable convolutions excepted
    bias_decay_factor: float = 1.0  # on schedule.weight_decay, of the same
    clip_norm: float | None = None  # most that the gradient's L2 norm over all parameters may be


@dataclass
class DetectorConfig:
    """What detectors with an ATSS-shaped head share; the options of ``detector=`` differ in values, or add to it."""

    name: str = MISSING
    prior: LatticeConfig = MISSING
    pyramid: PyramidConfig = field(default_factory=PyramidConfig)
    assigner: AssignerConfig = MISSING
    head: HeadConfig = field(default_factory=HeadConfig)
    focal: FocalConfig = field(default_factory=FocalConfig)
    dirac: DiracConfig = field(default_factory=DiracConfig)
    postprocess: PostProcessConfig = field(default_factory=PostProcessConfig)
    recipe: RecipeConfig = field(default_factory=RecipeConfig)
    box_loss_weight: float = 2.0  # lambda_0 of Eq. 15, of every box but the published one (dirac.loss_weight)
    aux_loss_weight: float = 1.0  # of a quality branch
    count: Count = Count.each_image
    box_normaliser: BoxNormaliser = BoxNormaliser.weights
    box_normaliser_min: float = 1.0  # floor of the summed box weights; 0 as in the first GFLv2 release


@dataclass
class ATSS(DetectorConfig):
    prior: LatticeConfig = field(default_factory=PriorConfig)
    assigner: AssignerConfig = field(default_factory=ATSSAssigner)


@dataclass
class MaxIoUDetector(DetectorConfig):
    prior: LatticeConfig = field(default_factory=PriorConfig)
    assigner: AssignerConfig = field(default_factory=MaxIoUAssigner)


@dataclass
class FCOS(DetectorConfig):
    prior: LatticeConfig = field(default_factory=PriorConfig)
    assigner: AssignerConfig = field(default_factory=FCOSAssigner)


@dataclass
class FoveaBox(DetectorConfig):
    prior: LatticeConfig = field(default_factory=PriorConfig)
    assigner: AssignerConfig = field(default_factory=FoveaAssigner)
