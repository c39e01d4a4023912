"""Numbers that must be above 0, or a multiple of each other."""

from __future__ import annotations

from collections.abc import Iterator

from gfl_bench.config.rules.readers import group_norm
from gfl_bench.config.schema import (
    FPN,
    PAA,
    Config,
    DistributionGuidance,
    General,
    SampledGuidance,
)


def numbers_are_in_range(config: Config) -> Iterator[str]:
    positive: dict[str, float] = {
        "schedule.batch_size": config.schedule.batch_size, "schedule.epochs": config.schedule.epochs,
        "schedule.lr": config.schedule.lr, "data.size": config.data.size,
        "detector.prior.scale": getattr(config.detector.prior, "scale", 1),
        "neck.channels": getattr(config.neck, "channels", 1),
        "detector.head.norm_groups": config.detector.head.norm_groups,
        "machine.checkpoint_every": config.machine.checkpoint_every, "machine.log_every": config.machine.log_every,
    }
    recipe = config.detector.recipe
    positive |= {"detector.recipe.lr_factor": recipe.lr_factor, "detector.recipe.bias_lr_factor": recipe.bias_lr_factor}
    if recipe.clip_norm is not None:
        positive["detector.recipe.clip_norm"] = recipe.clip_norm
    if config.scale.steps_per_epoch is not None:
        positive["scale.steps_per_epoch"] = config.scale.steps_per_epoch
    if isinstance(config.box, General):
        positive |= {"box.n": config.box.n, "box.delta": config.box.delta}
    if isinstance(config.detector, PAA):
        mixture = config.detector.mixture
        positive |= {"detector.topk": config.detector.topk, "detector.mixture.iterations": mixture.iterations,
                     "detector.mixture.variance_floor": mixture.variance_floor}
    if isinstance(config.guidance, DistributionGuidance | SampledGuidance):
        positive["guidance.d"] = config.guidance.d
    if isinstance(config.guidance, DistributionGuidance) and config.guidance.k < 0:
        yield f"guidance.k={config.guidance.k} is negative: k = 0 is no guidance"
    for name, value in positive.items():
        if not value > 0:
            yield f"{name}={value:g} must be above 0"


def groups_divide(config: Config) -> Iterator[str]:
    head, neck = config.detector.head, config.neck
    if isinstance(neck, FPN) and (neck.norm_groups < 0 or (neck.norm_groups and neck.channels % neck.norm_groups)):
        yield (f"neck.channels={neck.channels} is not a multiple of neck.norm_groups={neck.norm_groups}: group norm "
               "needs equal groups; 0 is none")
    if group_norm(config) and head.norm_groups > 0 and head.channels % head.norm_groups:
        yield (f"detector.head.channels={head.channels} is not a multiple of detector.head.norm_groups="
               f"{head.norm_groups}: group norm needs equal groups")
