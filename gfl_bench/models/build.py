"""A detector from its config: each part is looked up by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from gfl_bench.config.schema import Config
from gfl_bench.models.assigners.atss import ATSS
from gfl_bench.models.backbones import ResNet
from gfl_bench.models.box import BOXES
from gfl_bench.models.detector import Detector
from gfl_bench.models.guidance import GUIDANCES
from gfl_bench.models.heads import Head
from gfl_bench.models.initialise import initialise
from gfl_bench.models.necks import FPN
from gfl_bench.models.quality import QUALITIES

BACKBONES: dict[str, Callable[[Any], nn.Module]] = {"resnet": ResNet}
NECKS: dict[str, Callable[[Any, list[int], int], nn.Module]] = {"fpn": FPN}
ASSIGNERS: dict[str, Callable[[Any], ATSS]] = {"atss": ATSS}


def build_detector(config: Config, num_classes: int, seed: int) -> Detector:
    """The detector of ``config``, on the CPU, with the initial weights of ``seed`` or, in its backbone, published ones.

    torch's global random state is left as it was.

    Raises:
        WeightsError: if published weights do not fit or cannot be loaded.
    """
    with torch.random.fork_rng(devices=[]):
        detector = _put_together(config, num_classes)
    initialise(detector, seed, config.detector.head.score_prior)
    backbone: Any = detector.backbone
    backbone.load_published()
    return detector


def _put_together(config: Config, num_classes: int) -> Detector:
    parts, levels = config.detector, len(config.detector.prior.strides)
    box = BOXES[config.box.name](config.box, parts)
    quality = QUALITIES[config.quality.name](config.quality)
    backbone: Any = BACKBONES[config.backbone.name](config.backbone)
    neck: Any = NECKS[config.neck.name](config.neck, backbone.channels, levels)
    head = Head(
        parts.head, neck.channels, num_classes, box.channels, quality.aux_channels, levels,
        GUIDANCES[config.guidance.name](config.guidance),
    )  # fmt: skip
    return Detector(parts, backbone, neck, head, box, quality, ASSIGNERS[parts.assigner.name](parts.assigner))
