"""What fits the quality and the guidance."""

from __future__ import annotations

from collections.abc import Iterator

from gfl_bench.config.schema import (
    BoxConfig,
    Config,
    DistributionGuidance,
    General,
    Joint,
    JointLoss,
    NoGuidance,
    VarifocalConfig,
)


def guidance_fits(config: Config) -> Iterator[str]:
    guidance = config.guidance
    if isinstance(guidance, NoGuidance) or (isinstance(guidance, DistributionGuidance) and guidance.k == 0):
        return
    if isinstance(guidance, DistributionGuidance):
        yield from _bins_suffice(guidance, config.box)
    if not isinstance(config.quality, Joint):
        yield (f"guidance={guidance.name} multiplies into the joint score (Eq. 7), but quality={config.quality.name} "
               "has none: set quality=joint, or guidance=none")


def _bins_suffice(guidance: DistributionGuidance, box: BoxConfig) -> Iterator[str]:
    if not isinstance(box, General):
        yield (f"guidance=distribution reads the bins of a General Distribution, but box={box.name} has none: "
               "set box=general_dfl, or guidance=none")
    elif guidance.k > box.n + 1:
        yield f"guidance.k={guidance.k} is more than the {box.n + 1} bins of box.n={box.n}: lower k or raise n"


def quality_fits(config: Config) -> Iterator[str]:
    quality = config.quality
    if isinstance(quality, Joint):
        if quality.beta < 0:
            yield f"quality.beta={quality.beta:g} is negative: QFL needs beta >= 0"
        if quality.loss is not JointLoss.qfl and quality.beta != Joint.beta:
            yield f"quality.beta is QFL's, but quality.loss={quality.loss.value}: leave beta out, or set loss=qfl"
        yield from _varifocal_fits(quality)


def _varifocal_fits(quality: Joint) -> Iterator[str]:
    for name, value in {"alpha": quality.varifocal.alpha, "gamma": quality.varifocal.gamma}.items():
        if value < 0:
            yield f"quality.varifocal.{name}={value:g} is negative: varifocal loss needs {name} >= 0"
    if quality.loss is not JointLoss.varifocal and quality.varifocal != VarifocalConfig():
        yield (f"quality.varifocal is read by varifocal loss alone, but quality.loss={quality.loss.value}: leave it "
               "out, or set loss=varifocal")
