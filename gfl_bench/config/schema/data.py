"""What is learnt from: ``data=``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING


class Pixels(Enum):
    """The numbers that a network sees: order of the channels, and what is subtracted and divided by."""

    torchvision = "torchvision"  # RGB, less ImageNet's mean, by its standard deviation
    caffe = "caffe"  # BGR, less the same mean
    detectron = "detectron"  # BGR, less the mean that the first Detectron had


@dataclass
class SplitConfig:
    images: str = MISSING  # folder
    annotations: str = MISSING  # COCO JSON


@dataclass
class DataConfig:
    name: str = MISSING
    size: int = 800  # short edge in pixels after resizing
    max_size: int | None = None  # limit of the long edge; null is 5/3 of ``size`` (800 gives 1333)
    multi_scale: list[float] | None = None  # [smallest, largest] share of ``size`` drawn anew for each image
    flip: float = 0.5
    pixels: Pixels = Pixels.torchvision  # published weights want those that they were trained with


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
