"""A whole run: its parts, its length (``schedule=``, ``scale=``), and where and how it is executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING

from gfl_bench.config.schema.box import BoxConfig
from gfl_bench.config.schema.data import DataConfig
from gfl_bench.config.schema.detector import DetectorConfig
from gfl_bench.config.schema.guidance import GuidanceConfig
from gfl_bench.config.schema.network import BackboneConfig, NeckConfig
from gfl_bench.config.schema.quality import QualityConfig


class Precision(Enum):
    """Arithmetic of the forward pass; losses and box decoding are always float32."""

    fp32 = "fp32"
    bf16 = "bf16"  # autocast


class Mode(Enum):
    """What ``gfl_bench.run`` does."""

    train = "train"  # train, evaluate, time
    evaluate = "evaluate"  # evaluate ``checkpoint``
    testdev = "testdev"  # detect with ``checkpoint`` for COCO's evaluation server; the split needs no annotations
    speed = "speed"  # time inference only


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
    checkpoint: str | None = None  # of a run, or a file published by mmdetection
    machine: MachineConfig = field(default_factory=MachineConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
