"""What is learnt from: ``data=``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from omegaconf import MISSING


class Pixels(Enum):
    """The numbers that a network sees: order of the channels, and what is subtracted and divided by."""

    torchvision = "torchvision"  # RGB, less ImageNet's mean, by its standard deviation
    caffe = "caffe"  # BGR, less the same mean
    centred = "centred"  # RGB, less the same mean: VGG-16 as its authors trained it, and SSD
    detectron = "detectron"  # BGR, less the mean that the first Detectron had
    bgr = "bgr"  # BGR, less ImageNet's mean, by its standard deviation: NanoDet
    unit = "unit"  # RGB, from 0 to 1: darknet's YOLOs


class Resize(Enum):
    """How an image comes to its size."""

    short_edge = "short_edge"  # to ``size``, but the long edge to no more than ``max_size``
    stretch = "stretch"  # to a square whose side is ``size``, whatever its sides' ratio
    letterbox = "letterbox"  # into the middle of a black square whose side is ``size``


@dataclass
class SplitConfig:
    images: str = MISSING  # folder
    annotations: str = MISSING  # COCO JSON


@dataclass
class DataConfig:
    of_crowds: ClassVar[bool] = False  # people's full boxes, which may reach outside the image; measured by MR, AP, JI
    name: str = MISSING
    size: int = 800  # short edge in pixels after resizing
    max_size: int | None = None  # limit of the long edge; null is 5/3 of ``size`` (800 gives 1333)
    multi_scale: list[float] | None = None  # [smallest, largest] share of ``size`` drawn anew for each image
    flip: float = 0.5
    pixels: Pixels = Pixels.torchvision  # published weights want those that they were trained with
    resize: Resize = Resize.short_edge
    shift: float = 0.0  # most that resize=letterbox moves an image in training, as a share of its width and height
    ssd_augmentation: bool = False  # SSD's training images: other colours, on a larger canvas, of that a piece
    color_jitter: float = 0.0  # most that brightness, contrast and saturation are changed by in training, as a share


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


@dataclass
class Crowds(Scenes):
    """Generated people who hide each other."""

    of_crowds: ClassVar[bool] = True
    name: str = "crowds"


@dataclass
class CrowdHuman(DataConfig):
    """The official files: photographs in one folder, annotations as ``.odgt``, or as ``.json`` in COCO's form."""

    of_crowds: ClassVar[bool] = True
    name: str = "crowdhuman"
    max_size: int | None = 1400
    train: SplitConfig = field(default_factory=SplitConfig)
    val: SplitConfig = field(default_factory=SplitConfig)


CROWDS = tuple(kind.name for kind in (Crowds, CrowdHuman) if kind.of_crowds)  # as configs name them
