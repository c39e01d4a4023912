"""Training continues bit for bit, adds up parts to the whole, and stops in good order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from standin import StandIn, batches_from, config, random_batch
from torch import Tensor

from gfl_bench.config.schema import Config, Precision
from gfl_bench.engine.accumulation import split
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.engine.device import DeviceError, choose_device
from gfl_bench.engine.loss_window import Diverged, LossWindow
from gfl_bench.engine.schedule import learning_rate
from gfl_bench.engine.signals import Preempted, StopRequest
from gfl_bench.engine.trainer import Trainer
from gfl_bench.structures import Batch, HeadOutput

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def torch_as_found() -> Iterator[None]:
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.utils.deterministic.fill_uninitialized_memory = before[1]


def trainer_of(
    detector: StandIn, folder: Path, setting: Config | None = None, run: str = "aaaa", told: list[Any] | None = None
) -> Trainer:
    return Trainer(
        detector,
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


def assert_same_weights(one: StandIn, other: StandIn) -> None:
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


def test_signal_handlers_come_back_after_training(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    trained(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before


def test_second_interrupt_from_the_keyboard_is_not_kept_waiting() -> None:
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


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


def test_divergence_is_found_late_but_named_exactly_where_steps_are_looked_at_together() -> None:
    window = LossWindow()
    for step, box in ((1, 1.0), (2, 1.0), (3, float("nan")), (4, float("nan"))):
        window.add(step, ("cls", "box"), torch.tensor([1.0 if step < 4 else float("inf"), box]))
    with pytest.raises(Diverged, match="box was nan at step 3"):
        window.check()


def test_window_tells_the_mean_of_each_term_and_begins_again() -> None:
    window = LossWindow()
    for step, value in ((1, 1.0), (2, 3.0)):
        window.add(step, ("cls", "box"), torch.tensor([value, 10 * value]))
    assert window.take_means() == {"cls": 2.0, "box": 20.0}
    window.add(3, ("cls", "box"), torch.tensor([5.0, 6.0]))
    assert window.take_means() == {"cls": 5.0, "box": 6.0}


def test_parts_of_a_batch_keep_every_image_with_its_own_boxes() -> None:
    batch = random_batch(3, images=7)
    parts = list(split(batch, 3))
    assert [len(part.image_ids) for part in parts] == [3, 3, 1]
    assert [number for part in parts for number in part.image_ids] == batch.image_ids
    assert torch.equal(torch.cat([part.images for part in parts]), batch.images)
    for first, part in zip((0, 3, 6), parts, strict=True):
        for number in range(len(part.image_ids)):
            whole, cut = batch.instances, part.instances
            assert torch.equal(cut.boxes[cut.image == number], whole.boxes[whole.image == first + number])
            assert torch.equal(cut.labels[cut.image == number], whole.labels[whole.image == first + number])
            assert (cut.ignored_image == number).sum() == (whole.ignored_image == first + number).sum()


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


def test_device_auto_is_always_there_and_an_unknown_one_is_refused() -> None:
    assert choose_device("auto").type in ("cpu", "cuda")
    assert choose_device("cpu") == CPU
    with pytest.raises(DeviceError, match=r"machine\.device=tpu is not known: use auto"):
        choose_device("tpu")
    with pytest.raises(DeviceError, match=r"machine\.device=cuda:99 is wanted, but torch sees \d+ GPUs"):
        choose_device("cuda:99")
