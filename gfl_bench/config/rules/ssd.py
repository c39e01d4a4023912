"""What fits SSD."""

from __future__ import annotations

from collections.abc import Iterator

from gfl_bench.config.schema import SSD, Config, Joint, NoQuality, SSDNeck, SSDPriors


def ssd_fits(config: Config) -> Iterator[str]:
    detector, quality = config.detector, config.quality
    if isinstance(config.neck, SSDNeck) and not isinstance(detector, SSD):
        yield (f"neck=ssd has maps of different widths, but detector={detector.name} reads all with the same weights: "
               "set neck=fpn, or detector=ssd512")
    if isinstance(detector, SSD) and not isinstance(quality, NoQuality | Joint):
        yield (f"quality={quality.name} adds to focal loss, but detector={detector.name} has a softmax with mined "
               "negatives instead: set quality=none (as published) or quality=joint")
    if isinstance(detector.prior, SSDPriors):
        yield from _levels_agree(detector.prior)


def _levels_agree(prior: SSDPriors) -> Iterator[str]:
    levels = len(prior.strides)
    if len(prior.sizes) != levels + 1 or len(prior.ratios) != levels:
        yield (f"detector.prior has {levels} strides, {len(prior.sizes)} sizes and {len(prior.ratios)} ratios: give "
               "one list of ratios for each stride, and one size more")
    if min(prior.sizes) * prior.image_size < 100:
        yield f"detector.prior.sizes={prior.sizes} percent of {prior.image_size} pixels must be at least 1 pixel each"
