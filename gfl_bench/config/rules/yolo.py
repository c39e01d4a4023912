"""What fits darknet's small YOLOs."""

from __future__ import annotations

from collections.abc import Iterator

from gfl_bench.config.schema import (
    YOLO,
    BestAnchorAssigner,
    BoxLoss,
    Config,
    CSPDarknetTiny,
    DarknetBackbone,
    DarknetTiny,
    DiracCoding,
    Joint,
    NoQuality,
    YOLODirac,
    YOLONeck,
    YOLOPriors,
)

_TRUNKS = f"{DarknetTiny.name} or {CSPDarknetTiny.name}"


def yolo_fits(config: Config) -> Iterator[str]:
    detector, quality = config.detector, config.quality
    if isinstance(detector, YOLO) and not isinstance(quality, NoQuality | Joint):
        yield (f"quality={quality.name} adds to focal loss, but detector={detector.name} has objectness and "
               "cross-entropy instead: set quality=none (as published) or quality=joint")
    if isinstance(detector, YOLO) and detector.nms_distance_power is not None and detector.nms_distance_power <= 0:
        yield (f"detector.nms_distance_power={detector.nms_distance_power:g} must be above 0: set 0.6, or null for NMS "
               "by IoU alone")
    yield from _two_maps(config)
    yield from _backbone_is_plain(config)
    yield from _priors_agree(config)


def yolo_dirac_fits(config: Config) -> Iterator[str]:
    dirac, prior = config.detector.dirac, config.detector.prior
    in_cells, own_loss = dirac.coding is DiracCoding.cell, dirac.loss in (BoxLoss.yolov3, BoxLoss.yolov4)
    if in_cells and not isinstance(dirac, YOLODirac):
        yield (f"detector.dirac.coding=cell is YOLO's, but detector={config.detector.name}: set coding=delta, or "
               "detector=yolov3_tiny")
    if in_cells and prior.offset != 0.5:
        yield (f"detector.dirac.coding=cell counts from the middle of a cell, but detector.prior.offset={prior.offset}"
               ": set offset=0.5")
    if own_loss and not in_cells:
        yield (f"detector.dirac.loss={dirac.loss.value} is of the numbers that detector.dirac.coding=cell reads, but "
               f"coding={dirac.coding.value}: set loss=giou, or coding=cell")


def _two_maps(config: Config) -> Iterator[str]:
    detector, neck, backbone = config.detector, config.neck, config.backbone
    of_yolo = isinstance(neck, YOLONeck)
    if isinstance(detector, YOLO) and not of_yolo:
        yield (f"detector={detector.name} reads two maps, at strides 16 and 32, which neck={neck.name} does not make: "
               "set neck=yolo_tiny")
    if of_yolo and not isinstance(detector, YOLO):
        yield (f"neck=yolo_tiny makes two maps of different widths, but detector={detector.name} reads others: set "
               "neck=fpn, or detector=yolov3_tiny")
    if of_yolo and not isinstance(backbone, DarknetBackbone):
        yield (f"neck=yolo_tiny merges two maps, at strides 16 and 32, which backbone={backbone.name} does not make: "
               f"set backbone={_TRUNKS}")
    if isinstance(backbone, DarknetBackbone) and not of_yolo:
        yield (f"backbone={backbone.name} makes maps at strides 16 and 32 alone, but neck={neck.name} wants finer ones "
               "too: set neck=yolo_tiny with detector=yolov3_tiny, or backbone=resnet50")


def _backbone_is_plain(config: Config) -> Iterator[str]:
    backbone = config.backbone
    if not isinstance(backbone, DarknetBackbone):
        return
    if backbone.weights is not None:
        yield (f"backbone.weights={backbone.weights} were not published by torchvision for {backbone.name}: set "
               "backbone.weights=null (a .weights file brings a whole detector's, with checkpoint=FILE)")
    if backbone.frozen_stages >= 0:
        yield (f"backbone.frozen_stages={backbone.frozen_stages} keeps published weights, of which "
               f"backbone={backbone.name} has none: set frozen_stages=-1")
    if backbone.base_channels % 4:
        yield (f"backbone.base_channels={backbone.base_channels} is not a multiple of 4, but its first layer has a "
               "quarter of it: set another one")


def _priors_agree(config: Config) -> Iterator[str]:
    prior, assigner = config.detector.prior, config.detector.assigner
    if not isinstance(prior, YOLOPriors):
        return
    if len(prior.masks) != len(prior.strides) or len({len(mask) for mask in prior.masks}) > 1:
        yield (f"detector.prior.masks={prior.masks} must name equally many anchors for each of the strides "
               f"{prior.strides}: set one list for each")
    if any(not 0 <= number < len(prior.anchors) for mask in prior.masks for number in mask):
        yield (f"detector.prior.masks={prior.masks} name an anchor that is not there; there are {len(prior.anchors)}, "
               "from 0 on: set others")
    if isinstance(assigner, BestAnchorAssigner) and (assigner.anchors, assigner.masks) != (prior.anchors, prior.masks):
        yield ("detector.assigner.anchors and masks differ from those of detector.prior: leave them out, and set "
               "detector.prior.anchors and masks alone")
