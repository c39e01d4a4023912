"""Every option of a run: its type, its default and what it means.

The YAML files under ``conf/`` hold values for these dataclasses; a key that is not here is refused when the config is
composed. Nothing here imports torch, so that plans, tables and ``--help`` answer at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING


class JointLoss(Enum):
    """Loss on the joint class-and-IoU score (Table 4)."""

    qfl = "qfl"
    l1 = "l1"
    l2 = "l2"


class BoxWeight(Enum):
    """What weights each positive's box losses."""

    uniform = "uniform"  # every positive counts 1
    centerness = "centerness"  # the target centerness: mmdetection's ATSS
    iou = "iou"  # the detached IoU of the predicted box: the paper's Section 3.3
    score = "score"  # the detached best class score: mmdetection's GFL


class DiracCoding(Enum):
    """What the four numbers of a Dirac box mean."""

    delta = "delta"  # centre offset and log size from the prior box: mmdetection's ATSS
    distance = "distance"  # l, t, r, b in strides from the prior's centre: as the distributions


class Precision(Enum):
    """Arithmetic of the forward pass; losses and box decoding are always float32."""

    fp32 = "fp32"
    bf16 = "bf16"  # autocast


class Mode(Enum):
    """What ``gfl_bench.run`` does."""

    train = "train"  # train, evaluate, time
    evaluate = "evaluate"  # evaluate ``checkpoint``
    speed = "speed"  # time inference only


# --- quality: how a detector says how good a box is ------------------------------------------------------------------


@dataclass
class QualityConfig:
    name: str = MISSING
    box_weight: BoxWeight = BoxWeight.uniform


@dataclass
class FocalQuality(QualityConfig):
    """The class score is trained with focal loss (Lin et al., 2017)."""

    alpha: float = 0.25
    gamma: float = 2.0


@dataclass
class NoQuality(FocalQuality):
    name: str = "none"


@dataclass
class CenternessBranch(FocalQuality):
    name: str = "centerness_branch"
    box_weight: BoxWeight = BoxWeight.centerness


@dataclass
class IoUBranch(FocalQuality):
    name: str = "iou_branch"
    box_weight: BoxWeight = BoxWeight.iou


@dataclass
class CenternessGuided(FocalQuality):
    name: str = "centerness_guided"
    box_weight: BoxWeight = BoxWeight.centerness
    eta: float = 1.0  # power of the quality that weights each positive's class loss


@dataclass
class IoUGuided(FocalQuality):
    name: str = "iou_guided"
    box_weight: BoxWeight = BoxWeight.iou
    eta: float = 1.0


@dataclass
class Joint(QualityConfig):
    name: str = "joint"
    box_weight: BoxWeight = BoxWeight.score
    loss: JointLoss = JointLoss.qfl
    beta: float = 2.0  # QFL's focusing power, any number >= 0 (Table 5)


# --- box: what a predicted side is -----------------------------------------------------------------------------------


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


# --- guidance: what the quality is read from -------------------------------------------------------------------------


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


# --- backbone and neck -----------------------------------------------------------------------------------------------


@dataclass
class BackboneConfig:
    name: str = MISSING


@dataclass
class ResNet(BackboneConfig):
    name: str = "resnet"
    depth: int = 50  # 18, 34, 50, 101
    base_channels: int = 64  # channels of the stem and of the first stage; 64 is the published width
    weights: str | None = "IMAGENET1K_V1"  # torchvision's name, or null for random weights
    frozen_stages: int = 1  # -1 nothing, 0 the stem, 1 the stem and layer1, ...
    norm_eval: bool = True  # batch norm keeps its running statistics in training


@dataclass
class NeckConfig:
    name: str = MISSING


@dataclass
class FPN(NeckConfig):
    name: str = "fpn"
    channels: int = 256
    relu_before_p7: bool = False  # FCOS has it, ATSS and GFL do not


# --- detector: priors, assignment, head, post-processing ---------------------------------------------------------------


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
    rank: str = "pairs"  # what is ranked: "pairs" of location and class (mmdetection 3), "locations" (mmdetection 2)
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


# --- data ------------------------------------------------------------------------------------------------------------


@dataclass
class SplitConfig:
    images: str = MISSING  # folder
    annotations: str = MISSING  # COCO JSON


@dataclass
class DataConfig:
    name: str = MISSING
    size: int = 800  # short edge in pixels after resizing
    max_size: int | None = None  # limit of the long edge; null is 5/3 of ``size`` (800 gives 1333)
    multi_scale: list[int] | None = None  # [smallest, largest] short edge drawn anew for each image
    flip: float = 0.5


@dataclass
class COCO(DataConfig):
    """Any folder of images with COCO-format annotations."""

    name: str = "coco"
    train: SplitConfig = field(default_factory=SplitConfig)
    val: SplitConfig = field(default_factory=SplitConfig)


@dataclass
class Scenes(DataConfig):
    """Generated scenes whose boundary ambiguity is known, side by side."""

    name: str = "scenes"
    size: int = 160
    train_images: int = 2000
    val_images: int = 400
    seed: int = 0  # of the generator, not of the training


# --- schedule, scale and the rest --------------------------------------------------------------------------------------


@dataclass
class ScheduleConfig:
    """SGD as in Section 4; an epoch is ``scale.steps_per_epoch`` steps, or one pass over the data."""

    name: str = MISSING
    epochs: int = 12
    decay_epochs: list[int] = field(default_factory=lambda: [8, 11])
    decay: float = 0.1
    batch_size: int = 16  # images a step over all processes
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup_steps: int = 500
    warmup_factor: float = 0.001  # learning rate at step 0, as a share of ``lr``


@dataclass
class ScaleConfig:
    name: str = MISSING
    steps_per_epoch: int | None = None  # null: one pass over the training split
    scenes_train: int = 2000  # images that data=scenes generates for training
    scenes_val: int = 400  # and for evaluation
    caption: str = ""  # what a table at this scale must say of itself


@dataclass
class MachineConfig:
    """How a run is executed. Left out of its identity."""

    device: str = "auto"  # auto, cpu, cuda
    workers: int = 2  # processes that load images
    channels_last: bool = True
    images_at_once: int | None = None  # images a forward pass; null: the whole batch of this process
    checkpoint_every: int = 200  # steps
    log_every: int = 20  # steps
    speed_images: int = 100  # images timed for FPS; 0: not timed
    threads: int | None = None  # torch threads; null: torch's choice


@dataclass
class PathsConfig:
    runs: str = "runs"
    cache: str | None = None  # generated scenes; null: gfl_bench in the user's cache folder


@dataclass
class Config:
    detector: DetectorConfig = MISSING
    quality: QualityConfig = MISSING
    box: BoxConfig = MISSING
    guidance: GuidanceConfig = MISSING
    backbone: BackboneConfig = MISSING
    neck: NeckConfig = MISSING
    data: DataConfig = MISSING
    schedule: ScheduleConfig = MISSING
    scale: ScaleConfig = MISSING
    seed: int = 0
    precision: Precision = Precision.bf16
    mode: Mode = Mode.train
    checkpoint: str | None = None
    machine: MachineConfig = field(default_factory=MachineConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
