"""Which parts fit together, said before any data is read or any GPU is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gfl_bench.config.schema import (
    COCO,
    BackboneConfig,
    Config,
    DistributionGuidance,
    General,
    Joint,
    JointLoss,
    ResNet,
)


class ConfigError(ValueError):
    """Options that do not fit; each line names a conflict and its mend."""


def check(config: Config) -> None:
    """Raise ``ConfigError`` with one sentence for each conflict among the options of ``config``."""
    conflicts = [sentence for rule in RULES for sentence in rule(config)]
    if conflicts:
        raise ConfigError("\n".join(conflicts))


def _guidance_fits(config: Config) -> Iterator[str]:
    guidance, box = config.guidance, config.box
    if not isinstance(guidance, DistributionGuidance) or guidance.k == 0:
        return
    if not isinstance(box, General):
        yield (f"guidance=distribution reads the bins of a General Distribution, but box={box.name} has none: "
               "set box=general_dfl, or guidance=none")
    elif guidance.k > box.n + 1:
        yield f"guidance.k={guidance.k} is more than the {box.n + 1} bins of box.n={box.n}: lower k or raise n"
    if not isinstance(config.quality, Joint):
        yield (f"guidance=distribution multiplies into the joint score (Eq. 7), but quality={config.quality.name} "
               "has none: set quality=joint, or guidance=none")


def _quality_fits(config: Config) -> Iterator[str]:
    quality = config.quality
    if isinstance(quality, Joint):
        if quality.beta < 0:
            yield f"quality.beta={quality.beta:g} is negative: QFL needs beta >= 0"
        if quality.loss is not JointLoss.qfl and quality.beta != Joint.beta:
            yield f"quality.beta is QFL's, but quality.loss={quality.loss.value}: leave beta out, or set loss=qfl"


def _numbers_are_in_range(config: Config) -> Iterator[str]:
    positive: dict[str, float] = {
        "schedule.batch_size": config.schedule.batch_size, "schedule.epochs": config.schedule.epochs,
        "schedule.lr": config.schedule.lr, "data.size": config.data.size,
        "detector.prior.scale": config.detector.prior.scale, "neck.channels": getattr(config.neck, "channels", 1),
        "detector.head.norm_groups": config.detector.head.norm_groups,
        "machine.checkpoint_every": config.machine.checkpoint_every, "machine.log_every": config.machine.log_every,
    }
    if config.scale.steps_per_epoch is not None:
        positive["scale.steps_per_epoch"] = config.scale.steps_per_epoch
    if isinstance(config.box, General):
        positive |= {"box.n": config.box.n, "box.delta": config.box.delta}
    if isinstance(config.guidance, DistributionGuidance):
        positive["guidance.d"] = config.guidance.d
        if config.guidance.k < 0:
            yield f"guidance.k={config.guidance.k} is negative: k = 0 is no guidance"
    for name, value in positive.items():
        if not value > 0:
            yield f"{name}={value:g} must be above 0"


def _head_divides(config: Config) -> Iterator[str]:
    head = config.detector.head
    if head.norm_groups > 0 and head.channels % head.norm_groups:
        yield (f"detector.head.channels={head.channels} is not a multiple of detector.head.norm_groups="
               f"{head.norm_groups}: group norm needs equal groups")


def _published_weights_fit(config: Config) -> Iterator[str]:
    backbone: BackboneConfig = config.backbone
    if not isinstance(backbone, ResNet):
        return
    if backbone.depth not in (18, 34, 50, 101):
        yield f"backbone.depth={backbone.depth} is not a ResNet here: set 18, 34, 50 or 101"
    if backbone.weights is not None and backbone.base_channels != 64:
        yield (f"backbone.weights={backbone.weights} were published for 64 channels, but backbone.base_channels="
               f"{backbone.base_channels}: set backbone.weights=null, or base_channels=64")


def _data_is_named(config: Config) -> Iterator[str]:
    if isinstance(config.data, COCO) and config.data.multi_scale is not None and len(config.data.multi_scale) != 2:
        yield f"data.multi_scale={config.data.multi_scale} must be [smallest, largest] short edge in pixels"


def _schedule_is_ordered(config: Config) -> Iterator[str]:
    schedule = config.schedule
    late = [epoch for epoch in schedule.decay_epochs if not 0 < epoch < schedule.epochs]
    if late or sorted(schedule.decay_epochs) != schedule.decay_epochs:
        yield (f"schedule.decay_epochs={schedule.decay_epochs} must rise between 0 and schedule.epochs="
               f"{schedule.epochs}")


def _mode_has_its_checkpoint(config: Config) -> Iterator[str]:
    if config.mode.value == "evaluate" and config.checkpoint is None:
        yield "mode=evaluate needs checkpoint=FILE: the checkpoint.pt of a run, or a published file"


RULES: tuple[Callable[[Config], Iterator[str]], ...] = (
    _guidance_fits, _quality_fits, _numbers_are_in_range, _head_divides, _published_weights_fit, _data_is_named,
    _schedule_is_ordered, _mode_has_its_checkpoint,
)
