"""Which options of a detector are read only beside some choices, and by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gfl_bench.config.schema import (
    FPN,
    SSD,
    YOLO,
    BoxLoss,
    BoxWeight,
    CenternessBranch,
    Config,
    Dirac,
    DiracCoding,
    FCOSAssigner,
    FocalQuality,
    FoveaAssigner,
    Gaussian,
    IoUBranch,
    LatticeConfig,
    NanoDetHead,
    NoQuality,
    Norm,
    PriorConfig,
    RepPointsV2,
)


@dataclass(frozen=True)
class Option:
    """One of ``detector``, or a section of them.

    Attributes:
        path: below ``detector``.
        reader: what reads it, in words.
        chosen: the options that decide whether it is there.
        mend: one choice of these that reads it.
    """

    path: str
    reader: str
    chosen: tuple[str, ...]
    mend: str
    is_read: Callable[[Config], bool]


def _focal_loss(config: Config) -> bool:
    of_quality = isinstance(config.quality, FocalQuality) and not isinstance(config.detector, SSD | YOLO)
    return of_quality or isinstance(config.detector, RepPointsV2)


def _quality_branch(config: Config) -> bool:
    return isinstance(config.quality, CenternessBranch | IoUBranch)


def _towers(config: Config) -> bool:
    return not isinstance(config.detector, SSD | YOLO)


def _two_towers(config: Config) -> bool:
    return _towers(config) and not isinstance(config.detector.head, NanoDetHead)


def _prior_boxes(config: Config) -> bool:
    """Whether positives are found by them, or sides counted from them."""
    of_assigner = not isinstance(config.detector.assigner, FCOSAssigner | FoveaAssigner)
    of_box = isinstance(config.box, Dirac) and config.detector.dirac.coding not in _FROM_THE_CENTRE
    return of_assigner or of_box or isinstance(config.box, Gaussian)


def _is_single(prior: LatticeConfig) -> bool:
    return isinstance(prior, PriorConfig) and len(prior.ratios) == 1


def group_norm(config: Config) -> bool:
    """RepPoints V2 has one in its neck too, of as many groups."""
    of_towers = _two_towers(config) and config.detector.head.norm is Norm.group
    return of_towers or isinstance(config.detector, RepPointsV2)


_FROM_THE_CENTRE = (DiracCoding.stride, DiracCoding.signed, DiracCoding.pixel)
_BOX, _CODING, _HEAD = ("box",), ("detector.dirac.coding",), ("detector",)
TABLE = (
    Option("box_loss_weight", "box=gaussian, general and general_dfl", _BOX, "box=general_dfl",
           lambda config: not isinstance(config.box, Dirac)),
    Option("dirac", "box=dirac", _BOX, "box=dirac", lambda config: isinstance(config.box, Dirac)),
    Option("dirac.delta_std", "the coding delta", _CODING, "detector.dirac.coding=delta",
           lambda config: config.detector.dirac.coding is DiracCoding.delta),
    Option("dirac.scale_xy", "the coding cell", _CODING, "detector.dirac.coding=cell",
           lambda config: config.detector.dirac.coding is DiracCoding.cell),
    Option("dirac.smooth_beta", "the loss smooth_l1", ("detector.dirac.loss",), "detector.dirac.loss=smooth_l1",
           lambda config: config.detector.dirac.loss is BoxLoss.smooth_l1),
    Option("focal", "focal loss", ("detector", "quality"), "quality=none with detector=atss", _focal_loss),
    Option("aux_loss_weight", "a quality branch and the YOLOs' objectness", ("detector", "quality"),
           "quality=iou_branch, or quality=none with detector=yolov3_tiny",
           lambda config: _quality_branch(config)
           or (isinstance(config.detector, YOLO) and isinstance(config.quality, NoQuality))),
    Option("negatives", "the softmax of quality=none", ("quality",), "quality=none",
           lambda config: isinstance(config.quality, NoQuality)),
    Option("box_normaliser", "a quality whose positives all weigh the same", ("quality.box_weight",),
           "quality.box_weight=uniform", lambda config: config.quality.box_weight is BoxWeight.uniform),
    Option("prior.scale", "assigners and boxes that know the prior's size", ("detector", "box"), "detector=atss",
           _prior_boxes),
    Option("prior.ratios", "assigners and boxes that know the prior's sides", ("detector", "box"), "detector=atss",
           lambda config: _prior_boxes(config) or not _is_single(config.detector.prior)),
    Option("pyramid", "neck=fpn", ("neck",), "neck=fpn", lambda config: isinstance(config.neck, FPN)),
    Option("head.aux_tower", "a quality branch beside two towers", ("detector", "quality"),
           "quality=iou_branch with detector=atss", lambda config: _quality_branch(config) and _two_towers(config)),
    Option("head.stacked_convs", "heads with towers", _HEAD, "detector=atss", _towers),
    Option("head.channels", "heads with towers", _HEAD, "detector=atss", _towers),
    Option("head.norm", "heads with two towers", _HEAD, "detector=atss", _two_towers),
    Option("head.norm_groups", "group norm", ("detector", "detector.head.norm"),
           "detector.head.norm=group with detector=atss", group_norm),
    Option("head.conv_bias", "convolutions with a norm", ("detector", "detector.head.norm"),
           "detector.head.norm=group with detector=atss",
           lambda config: _two_towers(config) and config.detector.head.norm is Norm.group),
)  # fmt: skip
