"""Training continues bit for bit, adds up parts to the whole, and stops in good order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from standin import CLASSES, StandIn, batches_from, config, random_batch
from torch import Tensor, nn

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config, Precision
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.engine.loss_window import Diverged
from gfl_bench.engine.schedule import learning_rate
from gfl_bench.engine.signals import Preempted
from gfl_bench.engine.trainer import Trainer
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, HeadOutput

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def torch_as_found() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.utils.deterministic.fill_uninitialized_memory = before[1]


def trainer_of(
    detector: nn.Module, folder: Path, setting: Config | None = None, run: str = "aaaa", told: list[Any] | None = None
) -> Trainer:
    return Trainer(
        detector,  # type: ignore[arg-type]
        setting or config(),
        steps_per_epoch=1,
        device=CPU,
        run=run,
        checkpoint=folder / "checkpoint.pt",
        record=(told if told is not None else []).append,
    )


def trained(folder: Path, setting: Config | None = None) -> StandIn:
    detector = StandIn()
    trainer = trainer_of(detector, folder, setting)
    trainer.train(batches_from(trainer.step, trainer.steps))
    return detector


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    torch.testing.assert_close(dict(one.state_dict()), dict(other.state_dict()), rtol=0, atol=0)


def stopping_at(step: int, number: int, batches: Iterator[Batch]) -> Iterator[Batch]:
    """``batches``, with signal ``number`` to this process before the ``step``-th of them."""
    for count, batch in enumerate(batches, start=1):
        if count == step:
            os.kill(os.getpid(), number)
        yield batch


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2])
def test_training_stopped_by_a_signal_continues_bit_for_bit(tmp_path: Path, precision: Precision, number: int) -> None:
    setting = config()
    setting.precision = precision
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = trained(tmp_path / "whole", setting)
    trainer = trainer_of(StandIn(), tmp_path / "parts", setting)
    with pytest.raises(Preempted, match=rf"stopped by {signal.Signals(number).name} at step 7") as stopped:
        trainer.train(stopping_at(7, number, batches_from(0, 12)))
    assert (stopped.value.step, stopped.value.signal_number) == (7, number)
    torch.manual_seed(1234)  # another process would have other random numbers
    assert_same_weights(trained(tmp_path / "parts", setting), whole)


def test_real_detector_stopped_by_a_signal_continues_bit_for_bit(tmp_path: Path) -> None:
    short = ["schedule.epochs=4", "schedule.decay_epochs=[3]", "schedule.warmup_steps=2"]
    setting = compose_config(["scale=smoke", *short])
    batches = partial(batches_from, steps=4, side=96)

    def trainer_in(folder: str) -> tuple[Detector, Trainer]:
        (tmp_path / folder).mkdir(exist_ok=True)
        detector = build_detector(setting, CLASSES, seed=0)
        return detector, trainer_of(detector, tmp_path / folder, setting)

    whole, trainer = trainer_in("whole")
    trainer.train(batches(0))
    _, trainer = trainer_in("parts")
    with pytest.raises(Preempted):
        trainer.train(stopping_at(3, signal.SIGTERM, batches(0)))
    resumed, trainer = trainer_in("parts")
    trainer.train(batches(3))
    assert_same_weights(resumed, whole)


def test_training_that_crashed_continues_from_its_last_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    trainer = trainer_of(StandIn(), tmp_path / "parts")
    with pytest.raises(RuntimeError, match="the batches ended after 8 of 12 steps"):
        trainer.train(batches_from(0, 8))
    assert trainer_of(StandIn(), tmp_path / "parts").step == 5
    assert_same_weights(trained(tmp_path / "parts"), trained(tmp_path / "whole"))


def test_finished_training_has_nothing_left_to_do(tmp_path: Path) -> None:
    first = trained(tmp_path)
    again = StandIn(seed=5)
    trainer = trainer_of(again, tmp_path)
    assert trainer.step == trainer.steps
    trainer.train(iter(()))
    assert_same_weights(again, first)


def test_checkpoint_of_another_run_stops_before_training(tmp_path: Path) -> None:
    trained(tmp_path)
    with pytest.raises(CheckpointError, match="of run aaaa, seed 0, but this configuration is run bbbb, seed 0"):
        trainer_of(StandIn(), tmp_path, run="bbbb")


def test_loading_processes_that_die_of_the_same_signal_are_a_stop_too(tmp_path: Path) -> None:
    def dying() -> Iterator[Batch]:
        yield from batches_from(0, 6)
        os.kill(os.getpid(), signal.SIGINT)
        raise RuntimeError("DataLoader worker exited unexpectedly")

    with pytest.raises(Preempted) as stopped:
        trainer_of(StandIn(), tmp_path).train(dying())
    assert stopped.value.step == trainer_of(StandIn(), tmp_path).step == 6


def test_signals_are_left_alone_outside_the_main_thread(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(trained, tmp_path).result(timeout=60) is not None


def test_signal_handlers_come_back_after_training(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    trained(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before


class Poisoned(StandIn):
    """The box term is not a number at one step."""

    def __init__(self, step: int, value: float) -> None:
        super().__init__()
        self.left, self.value = step, value

    def loss(self, output: HeadOutput, batch: Batch) -> dict[str, Tensor]:
        self.left -= 1
        losses = super().loss(output, batch)
        return losses | {"loss_box": losses["loss_box"] * self.value} if self.left == 0 else losses


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_not_finite_names_its_step_and_term(tmp_path: Path, value: float) -> None:
    with pytest.raises(Diverged, match=f"loss_box was {value} at step 7") as stopped:
        trainer_of(Poisoned(7, value), tmp_path).train(batches_from(0, 12))
    assert (stopped.value.step, stopped.value.term) == (7, "loss_box")
    assert trainer_of(StandIn(), tmp_path).step == 5  # the checkpoint before is still a good one


@pytest.mark.parametrize("images_at_once", [1, 3, 4])
def test_accumulated_gradient_of_a_mean_is_that_of_the_whole_batch(tmp_path: Path, images_at_once: int) -> None:
    gradients = []
    for number, setting in enumerate((config(), config(images_at_once=images_at_once))):
        (tmp_path / str(number)).mkdir()
        detector = StandIn(dropout=0.0)
        trainer = trainer_of(detector, tmp_path / str(number), setting)
        with pytest.raises(RuntimeError, match="the batches ended after 1"):
            trainer.train(batches_from(0, 1))
        gradients.append([parameter.grad for parameter in detector.parameters()])
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-5, atol=1e-7)


def test_records_tell_step_rate_losses_and_speed_at_each_interval(tmp_path: Path) -> None:
    told: list[dict[str, float]] = []
    setting = config()
    trainer = trainer_of(StandIn(), tmp_path, setting, told=told)
    trainer.train(batches_from(0, 12))
    assert [record["step"] for record in told] == [4, 8, 12]
    assert [record["lr"] for record in told] == [learning_rate(step, setting.schedule, 1) for step in (3, 7, 11)]
    for record in told:
        assert record["loss"] == pytest.approx(record["loss_cls"] + record["loss_box"])
        assert record["images_per_second"] > 0
    assert told[0]["seconds"] < told[1]["seconds"] < told[2]["seconds"]


def test_seconds_of_earlier_sessions_are_counted(tmp_path: Path) -> None:
    first: list[dict[str, float]] = []
    second: list[dict[str, float]] = []
    with pytest.raises(Preempted):
        trainer_of(StandIn(), tmp_path, told=first).train(stopping_at(8, signal.SIGTERM, batches_from(0, 12)))
    trainer = trainer_of(StandIn(), tmp_path, told=second)
    trainer.train(batches_from(8, 12))
    assert second[-1]["seconds"] > first[-1]["seconds"]


def test_training_learns(tmp_path: Path) -> None:
    told: list[dict[str, float]] = []
    setting = config(log_every=1)
    trainer = trainer_of(StandIn(), tmp_path, setting, told=told)
    trainer.train(random_batch(0) for _ in range(12))
    assert told[-1]["loss"] < 0.8 * told[0]["loss"]
