"""A detector from its config: each part is looked up by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from gfl_bench.config.schema import Config, Dirac
from gfl_bench.models.assigners.assignment import Assigner
from gfl_bench.models.assigners.atss import ATSS
from gfl_bench.models.assigners.best_anchor import BestAnchor
from gfl_bench.models.assigners.fcos import FCOS
from gfl_bench.models.assigners.fovea import Fovea
from gfl_bench.models.assigners.max_iou import MaxIoU
from gfl_bench.models.backbones import VGG16, CSPDarknetTiny, DarknetTiny, ResNet, ShuffleNetV2
from gfl_bench.models.box import BOXES, BoxDistribution
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.borderdet.detector import BorderDetector, BorderHead
from gfl_bench.models.detectors.nanodet.head import NanoDetHead
from gfl_bench.models.detectors.paa.detector import PAA
from gfl_bench.models.detectors.reppoints_v2.detector import PointsHead, RepPointsV2
from gfl_bench.models.detectors.ssd.head import SSDHead
from gfl_bench.models.detectors.ssd.mined_softmax import MinedSoftmax
from gfl_bench.models.detectors.ssd.neck import SSDNeck
from gfl_bench.models.detectors.vfnet.detector import VFNet, VFNetHead
from gfl_bench.models.detectors.yolo.box import YOLOBox
from gfl_bench.models.detectors.yolo.detector import YOLO
from gfl_bench.models.detectors.yolo.head import YOLOHead
from gfl_bench.models.detectors.yolo.neck import YOLONeck
from gfl_bench.models.detectors.yolo.objectness import Objectness
from gfl_bench.models.guidance import GUIDANCES
from gfl_bench.models.heads import Head, HeadShape
from gfl_bench.models.initialise import initialise
from gfl_bench.models.necks import FPN
from gfl_bench.models.pan import PAN
from gfl_bench.models.priors import boxes_per_cell, unit_prior
from gfl_bench.models.quality import QUALITIES, QualityRepresentation

BACKBONES: dict[str, Callable[[Any], nn.Module]] = {
    "resnet": ResNet, "vgg16": VGG16, "darknet_tiny": DarknetTiny, "csp_darknet_tiny": CSPDarknetTiny,
    "shufflenet_v2": ShuffleNetV2,
}  # fmt: skip
NECKS: dict[str, Callable[[Any, list[int], int], nn.Module]] = {
    "fpn": FPN, "ssd": SSDNeck, "yolo_tiny": YOLONeck, "pan": PAN,
}  # fmt: skip
ASSIGNERS: dict[str, Callable[[Any], Assigner]] = {
    "atss": ATSS, "max_iou": MaxIoU, "fcos": FCOS, "fovea": Fovea, "best_anchor": BestAnchor,
}  # fmt: skip
# Detectors whose shape no choice of parts gives; all others are a Head and a Detector.
DETECTORS: dict[str, tuple[Callable[..., nn.Module], type[Detector]]] = {
    "borderdet": (BorderHead, BorderDetector), "vfnet": (VFNetHead, VFNet), "reppoints_v2": (PointsHead, RepPointsV2),
    "paa": (Head, PAA), "ssd512": (SSDHead, Detector), "nanodet": (NanoDetHead, Detector),
    "yolov3_tiny": (YOLOHead, YOLO), "yolov4_tiny": (YOLOHead, YOLO),
}  # fmt: skip
# What a quality is in a detector that was not published with focal loss.
OWN_QUALITIES: dict[tuple[str, str], Callable[[Any, Any], QualityRepresentation]] = {
    ("ssd512", "none"): MinedSoftmax, ("yolov3_tiny", "none"): Objectness, ("yolov4_tiny", "none"): Objectness,
}  # fmt: skip
# And what a Dirac box is in one that was not published with a loss that others have.
OWN_DIRACS: dict[str, Callable[[Any], BoxDistribution]] = {"yolov3_tiny": YOLOBox, "yolov4_tiny": YOLOBox}


def build_detector(config: Config, num_classes: int, seed: int) -> Detector:
    """The detector of ``config``, on the CPU, with the initial weights of ``seed`` or, in its backbone, published ones.

    torch's global random state is left as it was.

    Raises:
        WeightsError: if published weights do not fit or cannot be loaded.
    """
    with torch.random.fork_rng(devices=[]):
        detector = _put_together(config, num_classes)
    initialise(detector, seed, config.detector.head.score_prior, _first_sides(config))
    backbone: Any = detector.backbone
    backbone.load_published()
    return detector


def weightless(config: Config) -> Config:
    """``config``, but its backbone asks for no published weights: others take their place, or nobody looks at them."""
    backbone: Any = config.backbone
    return replace(config, backbone=replace(backbone, weights=None))


def _first_sides(config: Config) -> float:
    """0, as published, where the backbone is."""
    backbone: Any = config.backbone
    return config.detector.dirac.first_sides if isinstance(config.box, Dirac) and backbone.weights is None else 0.0


def _box(config: Config) -> BoxDistribution:
    parts = config.detector
    if isinstance(config.box, Dirac) and parts.name in OWN_DIRACS:
        return OWN_DIRACS[parts.name](parts.dirac)
    return BOXES[config.box.name](config.box, parts)


def _put_together(config: Config, num_classes: int) -> Detector:
    parts, levels = config.detector, len(config.detector.prior.strides)
    box = _box(config)
    own = OWN_QUALITIES.get((parts.name, config.quality.name), QUALITIES[config.quality.name])
    quality = own(config.quality, parts)
    backbone: Any = BACKBONES[config.backbone.name](config.backbone)
    neck: Any = NECKS[config.neck.name](config.neck, backbone.channels, levels)
    shape = HeadShape(
        neck.channels, quality.class_channels(num_classes), box.channels, quality.aux_channels,
        boxes_per_cell(parts.prior),
    )  # fmt: skip
    features = parts.head.channels if parts.head.stacked_convs else neck.channels[0]
    guidance = GUIDANCES[config.guidance.name](config.guidance, features)
    head_class, detector_class = DETECTORS.get(parts.name, (Head, Detector))
    head = head_class(parts.head, shape, guidance, lambda raw: box.mean(raw, unit_prior(parts.prior, raw.device)))
    assigner = ASSIGNERS[parts.assigner.name](parts.assigner)
    return detector_class(parts, backbone, neck, head, box, quality, assigner)
