"""Where features come from: ``backbone=`` and ``neck=``."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING


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
