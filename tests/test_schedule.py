"""The learning rate is torch's own, and a schedule that cannot work is refused."""

from __future__ import annotations

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ChainedScheduler, LinearLR, MultiStepLR

from gfl_bench.config.schema import ScaleConfig, ScheduleConfig
from gfl_bench.engine.schedule import ScheduleError, learning_rate, steps_per_epoch, total_steps

PAPER = ScheduleConfig(name="1x")
SHORT = ScheduleConfig(name="short", epochs=6, decay_epochs=[2, 4], warmup_steps=15, warmup_factor=0.1, lr=0.02)


def rates_of_torch(schedule: ScheduleConfig, per_epoch: int, steps: int) -> list[float]:
    optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=schedule.lr)
    warmup = LinearLR(optimizer, schedule.warmup_factor, total_iters=schedule.warmup_steps)
    decay = MultiStepLR(optimizer, [epoch * per_epoch for epoch in schedule.decay_epochs], schedule.decay)
    both = ChainedScheduler([warmup, decay])
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    return rates


@pytest.mark.parametrize(("schedule", "per_epoch"), [(SHORT, 7), (SHORT, 10), (PAPER, 60)])
def test_learning_rate_is_linear_warm_up_times_step_decay(schedule: ScheduleConfig, per_epoch: int) -> None:
    steps = total_steps(schedule, per_epoch)
    ours = [learning_rate(step, schedule, per_epoch) for step in range(steps)]
    assert ours == pytest.approx(rates_of_torch(schedule, per_epoch, steps), rel=1e-12)


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 1e-5), (250, 0.005005), (500, 0.01), (58_639, 0.01), (58_640, 1e-3), (80_630, 1e-4)]
)
def test_paper_recipe_on_coco_has_its_published_rates(step: int, rate: float) -> None:
    # 117,266 images make 7,330 steps of 16; Section 4: 0.01, divided by ten after the 8th and the 11th epoch.
    per_epoch = steps_per_epoch(ScaleConfig(name="paper"), images=117_266, batch_size=16)
    assert per_epoch == 7_330
    assert learning_rate(step, PAPER, per_epoch) == pytest.approx(rate, rel=1e-9)


def test_scale_decides_the_steps_of_an_epoch_where_it_says_so() -> None:
    assert steps_per_epoch(ScaleConfig(name="demo", steps_per_epoch=50), images=2000, batch_size=16) == 50
    assert steps_per_epoch(ScaleConfig(name="paper"), images=33, batch_size=16) == 3


def test_no_warm_up_starts_at_the_full_rate() -> None:
    assert learning_rate(0, ScheduleConfig(name="flat", warmup_steps=0), 10) == 0.01


def test_warm_up_that_outlasts_the_training_is_refused() -> None:
    with pytest.raises(ScheduleError, match=r"warmup_steps=500 must be below the 500 steps"):
        total_steps(ScheduleConfig(name="short", epochs=5, warmup_steps=500), 100)
    assert total_steps(ScheduleConfig(name="short", epochs=5, warmup_steps=499), 100) == 500


def test_training_of_no_steps_is_refused() -> None:
    with pytest.raises(ScheduleError, match=r"epochs=0"):
        total_steps(ScheduleConfig(name="none", epochs=0), 100)
