"""What a run needs besides its detector."""

from __future__ import annotations

from collections.abc import Iterator

from gfl_bench.config.schema import (
    Config,
    Mode,
    Resize,
)


def shares_are_ordered(config: Config) -> Iterator[str]:
    shares = config.data.multi_scale
    if shares is not None and not (len(shares) == 2 and 0 < shares[0] <= shares[1]):
        yield f"data.multi_scale={shares} must be [smallest, largest] share of data.size, such as [0.6, 1.0]"


def images_can_move(config: Config) -> Iterator[str]:
    data = config.data
    if data.shift and data.resize is not Resize.letterbox:
        yield (f"data.shift={data.shift:g} moves an image in its square, but data.resize={data.resize.value} has none: "
               "set data.shift=0, or data.resize=letterbox")
    if data.ssd_augmentation and data.of_crowds:
        yield (f"data.ssd_augmentation=true cuts boxes off at the image's border, but the people of data={data.name} "
               "reach beyond it: set data.ssd_augmentation=false")
    for name, share in {"shift": data.shift, "color_jitter": data.color_jitter}.items():
        if not 0 <= share <= 1:
            yield f"data.{name}={share:g} is a share: set a number from 0 to 1"


def schedule_is_ordered(config: Config) -> Iterator[str]:
    schedule = config.schedule
    late = [epoch for epoch in schedule.decay_epochs if not 0 < epoch < schedule.epochs]
    if late or sorted(schedule.decay_epochs) != schedule.decay_epochs:
        yield (f"schedule.decay_epochs={schedule.decay_epochs} must rise between 0 and schedule.epochs="
               f"{schedule.epochs}")


def mode_has_its_checkpoint(config: Config) -> Iterator[str]:
    if config.mode in (Mode.evaluate, Mode.testdev) and config.checkpoint is None:
        yield f"mode={config.mode.value} needs checkpoint=FILE: the checkpoint.pt of a run, or a published file"
