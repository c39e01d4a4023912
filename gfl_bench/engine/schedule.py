"""Length of a training and its learning rate, as functions of the step alone.

The recipe is that of Section 4 of Generalized Focal Loss: a linear warm-up, then a division by ten after some epochs.
"""

from __future__ import annotations

import math

from gfl_bench.config.schema import ScaleConfig, ScheduleConfig


class ScheduleError(ValueError):
    """The schedule cannot be run."""


def steps_per_epoch(scale: ScaleConfig, images: int, batch_size: int) -> int:
    """Steps of an epoch: ``scale.steps_per_epoch``, or one pass over ``images``, its last batch filled up."""
    return scale.steps_per_epoch or math.ceil(images / batch_size)


def total_steps(schedule: ScheduleConfig, steps_per_epoch: int) -> int:
    """Steps of the whole training.

    Raises:
        ScheduleError: there is no step, or the warm-up would not end before the training does.
    """
    steps = schedule.epochs * steps_per_epoch
    if steps < 1:
        raise ScheduleError(
            f"schedule.epochs={schedule.epochs} of {steps_per_epoch} steps each leave nothing to train: raise either"
        )
    if schedule.warmup_steps >= steps:
        raise ScheduleError(
            f"schedule.warmup_steps={schedule.warmup_steps} must be below the {steps} steps of the training "
            f"({schedule.epochs} epochs of {steps_per_epoch} steps): lower it or train for longer"
        )
    return steps


def learning_rate(step: int, schedule: ScheduleConfig, steps_per_epoch: int) -> float:
    """Learning rate of ``step``, which counts from 0.

    Warm-up multiplies ``lr`` by ``factor + (1 - factor) * step / warmup_steps``; each epoch of ``decay_epochs`` that
    has been completed multiplies it by ``decay``. This is torch's LinearLR times its MultiStepLR, and mmdetection 2's
    rule; mmdetection 3 reaches the full rate one step earlier.
    """
    return schedule.lr * _warmup(step, schedule) * _decay(step, schedule, steps_per_epoch)


def _warmup(step: int, schedule: ScheduleConfig) -> float:
    if step >= schedule.warmup_steps:
        return 1.0
    return schedule.warmup_factor + (1 - schedule.warmup_factor) * step / schedule.warmup_steps


def _decay(step: int, schedule: ScheduleConfig, steps_per_epoch: int) -> float:
    passed = sum(step >= epoch * steps_per_epoch for epoch in schedule.decay_epochs)
    return float(schedule.decay**passed)
