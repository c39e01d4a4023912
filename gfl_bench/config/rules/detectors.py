"""What fits a detector: its priors, its levels, and how its boxes are coded."""

from __future__ import annotations

from collections.abc import Iterator

from gfl_bench.config.schema import (
    INVERTIBLE,
    ATSSAssigner,
    BorderDet,
    BoxLoss,
    BoxNormaliser,
    Config,
    Dirac,
    DiracCoding,
    DistributionGuidance,
    FCOSAssigner,
    FoveaAssigner,
    NoGuidance,
    PointsHeadConfig,
    PriorConfig,
    RepPointsV2,
    VFNet,
)


def priors_fit(config: Config) -> Iterator[str]:
    prior = config.detector.prior
    if isinstance(prior, PriorConfig) and prior.octave_steps * len(prior.ratios) == 1:
        return
    name = config.detector.name
    if isinstance(config.detector.assigner, ATSSAssigner):
        yield f"detector={name} has several priors a cell, but ATSS takes one: set ratios=[1.0] and octave_steps=1"
    if not isinstance(config.guidance, NoGuidance | DistributionGuidance):
        yield (f"guidance={config.guidance.name} looks around the one box of a location, but detector={name} predicts "
               "several: set guidance=none or guidance=distribution, or a detector of one prior a cell")
    if isinstance(config.detector, BorderDet):
        yield (f"detector={name} looks along the borders of the one box of a location, but detector.prior has several "
               "a cell: set ratios=[1.0] and octave_steps=1")


def levels_fit(config: Config) -> Iterator[str]:
    assigner, levels = config.detector.assigner, len(config.detector.prior.strides)
    if isinstance(assigner, FCOSAssigner) and len(assigner.bounds) != levels - 1:
        yield (f"detector.assigner.bounds={assigner.bounds} lie between levels, of which there are {levels}: "
               f"set {levels - 1} bounds")
    if isinstance(assigner, FoveaAssigner) and len(assigner.size_ranges) != levels:
        yield (f"detector.assigner.size_ranges has {len(assigner.size_ranges)} ranges for {levels} levels: "
               "set one for each")


def dirac_is_coded(config: Config) -> Iterator[str]:
    dirac = config.detector.dirac
    looks_around = not isinstance(config.guidance, NoGuidance | DistributionGuidance)
    if looks_around and isinstance(config.box, Dirac) and dirac.coding is DiracCoding.pixel:
        yield (f"guidance={config.guidance.name} looks around the box in strides, but detector.dirac.coding=pixel "
               "knows pixels: set detector=fcos, or box=general_dfl")
    if dirac.first_sides and dirac.coding is not DiracCoding.stride:
        yield (f"detector.dirac.first_sides={dirac.first_sides} is of the coding stride, but detector.dirac.coding="
               f"{dirac.coding.value}: leave it out")
    if dirac.loss in (BoxLoss.l1, BoxLoss.smooth_l1) and dirac.coding not in INVERTIBLE:
        yield (f"detector.dirac.loss={dirac.loss.value} compares codes, but detector.dirac.coding={dirac.coding.value} "
               "has none to compare: set loss=giou, or coding=delta or ratio")


def refinement_fits(config: Config) -> Iterator[str]:
    detector = config.detector
    if not isinstance(detector, VFNet):
        return
    if isinstance(config.box, Dirac) and detector.dirac.coding is DiracCoding.pixel:
        yield ("detector=vfnet follows its boxes in strides, but detector.dirac.coding=pixel predicts pixels: set "
               "coding=size")
    if detector.box_normaliser is BoxNormaliser.count:
        yield ("detector=vfnet divides the losses of each of its two boxes by that box's weights: set "
               "detector.box_normaliser=weights")


def points_fit(config: Config) -> Iterator[str]:
    detector, head = config.detector, config.detector.head
    if isinstance(detector, RepPointsV2) and detector.dirac.coding is not DiracCoding.signed:
        yield (f"detector=reppoints_v2 takes its sides from points, but detector.dirac.coding="
               f"{detector.dirac.coding.value} reads them as something else: set coding=signed")
    if isinstance(head, PointsHeadConfig) and head.norm_groups > 0 and head.corner_channels % head.norm_groups:
        yield (f"detector.head.corner_channels={head.corner_channels} is not a multiple of detector.head.norm_groups="
               f"{head.norm_groups}: group norm needs equal groups")
