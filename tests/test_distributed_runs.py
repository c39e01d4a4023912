"""Processes that train together stop at one step, continue bit for bit, and end with one process's weights."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import Raised, agreed, together
from standin import CLASSES, StandIn, batches_from, config
from torch import Tensor

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.engine.accumulation import split
from gfl_bench.engine.checkpoint import load
from gfl_bench.engine.distributed import World
from gfl_bench.engine.loss_window import Diverged
from gfl_bench.engine.signals import Preempted
from gfl_bench.engine.trainer import Trainer
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, HeadOutput

CPU = torch.device("cpu")


class Sharing(StandIn):
    """Sums over the images, divided by their number in all processes."""

    def loss(self, output: HeadOutput, batch: Batch, reduce: Callable[[Tensor], Tensor] = lambda x: x) -> Any:
        count = torch.tensor(float(len(batch.image_ids)))
        return {name: loss * count / reduce(count.clone()) for name, loss in super().loss(output, batch).items()}


def without_dropout() -> Sharing:
    """Processes draw different numbers than one process would."""
    return Sharing(dropout=0.0)


def share(batches: Iterator[Batch], world: World) -> Iterator[Batch]:
    for batch in batches:
        yield list(split(batch, len(batch.image_ids) // world.size))[world.rank]


def stopping(batches: Iterator[Batch], before: int | None, number: int = signal.SIGUSR2) -> Iterator[Batch]:
    """``batches``, with a signal to this process before the ``before``-th of them."""
    for count, batch in enumerate(batches, start=1):
        if count == before:
            os.kill(os.getpid(), number)
        yield batch


def train(
    world: World, folder: Path, kind: Callable[[], StandIn], stop_rank: int = -1, stop_at: int = 0
) -> tuple[Any, ...]:
    """Train to the end, or until rank ``stop_rank`` is asked to stop before batch ``stop_at`` of this session."""
    detector, told = kind(), []
    trainer = Trainer(
        detector, config(), steps_per_epoch=1, device=CPU, run="a", checkpoint=folder / "checkpoint.pt",
        record=told.append, world=world,
    )  # fmt: skip
    batches = share(batches_from(trainer.step, trainer.steps), world)
    begun = trainer.step
    try:
        trainer.train(stopping(batches, stop_at if world.rank == stop_rank else None))
    except Preempted as stop:
        return begun, stop.step, stop.signal_number
    except Diverged as diverged:
        return diverged.step, diverged.term
    return begun, [record["loss"] for record in told], detector.state_dict()


def stopped_and_continued(world: World, folder: Path) -> list[Any]:
    return [
        train(world, folder / "whole", Sharing), train(world, folder / "parts", Sharing, 1, 7),
        train(world, folder / "parts", Sharing),
    ]  # fmt: skip


def parts_of(folder: Path) -> Path:
    for name in ("whole", "parts"):
        (folder / name).mkdir(exist_ok=True)
    return folder


def test_a_signal_to_one_process_stops_all_at_one_step_and_they_continue_bit_for_bit(tmp_path: Path) -> None:
    for whole, stopped, continued in agreed(together(stopped_and_continued, parts_of(tmp_path))):
        assert stopped == (0, 7, signal.SIGUSR2) and whole[0] == 0 and continued[0] == 7
        torch.testing.assert_close(continued[2], whole[2], rtol=0, atol=0)
    assert load(tmp_path / "parts" / "checkpoint.pt")["step"] == 12


def test_two_processes_record_and_learn_what_one_does_and_rank_0_alone_records(tmp_path: Path) -> None:
    folder = parts_of(tmp_path)
    ((_, told, weights),) = agreed(together(train, folder / "whole", without_dropout, size=1))
    (_, first, one), (_, second, other) = agreed(together(train, folder / "parts", without_dropout))
    assert first == pytest.approx(told, rel=1e-5) and second == []
    torch.testing.assert_close(one, weights)
    torch.testing.assert_close(other, one, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(2, 1), (1, 2)])
def test_a_run_may_continue_with_another_number_of_processes(tmp_path: Path, sizes: tuple[int, int]) -> None:
    folder = parts_of(tmp_path)

    def session(size: int, where: Path, *stop: int) -> Any:
        return agreed(together(train, where, without_dropout, *stop, size=size))[0]

    whole = session(1, folder / "whole")
    assert session(sizes[0], folder / "parts", 0, 6)[:2] == (0, 6)
    continued = session(sizes[1], folder / "parts")
    assert continued[0] == 6
    torch.testing.assert_close(continued[2], whole[2])


class Poisoned(Sharing):
    """The box term is not a number at step 3 of the process whose rank is the environment's."""

    def loss(self, output: HeadOutput, batch: Batch, reduce: Callable[[Tensor], Tensor] = lambda x: x) -> Any:
        losses = super().loss(output, batch, reduce)
        self.calls = getattr(self, "calls", 0) + 1
        bad = self.calls == 3 and os.environ["RANK"] == "1"
        return losses | {"loss_box": losses["loss_box"] * torch.nan} if bad else losses


def test_a_loss_that_one_process_cannot_compute_is_every_process_s_divergence(tmp_path: Path) -> None:
    assert together(train, parts_of(tmp_path) / "parts", Poisoned) == [(3, "loss_box")] * 2


def real(world: World, settings: Config, folder: Path) -> dict[str, Tensor]:
    detector: Detector = build_detector(settings, CLASSES, seed=0)
    trainer = Trainer(
        detector, settings, steps_per_epoch=1, device=CPU, run="a", checkpoint=folder / "checkpoint.pt",
        record=lambda record: None, world=world,
    )  # fmt: skip
    before = torch.get_rng_state()
    trainer.train(share(batches_from(0, trainer.steps, side=96), world))
    assert torch.equal(torch.get_rng_state(), before), "a step drew random numbers, which each process must restore"
    return detector.state_dict()


@pytest.mark.slow
@pytest.mark.parametrize("still", [True, False], ids=["norms at rest", "norms that train"])
def test_weights_of_a_real_detector_follow_those_of_one_process(tmp_path: Path, still: bool) -> None:
    short = ["schedule.epochs=6", "schedule.decay_epochs=[4]", "schedule.warmup_steps=2", "precision=fp32"]
    settings = compose_config(["scale=smoke", f"backbone.norm_eval={still}", *short])
    folder = parts_of(tmp_path)
    (alone,) = agreed(together(real, settings, folder / "whole", size=1))
    one, other = agreed(together(real, settings, folder / "parts"))
    torch.testing.assert_close(other, one, rtol=0, atol=0)
    torch.testing.assert_close(one, alone, **({"rtol": 1e-4, "atol": 1e-6} if still else {"rtol": 1e-2, "atol": 1e-3}))


def test_an_error_of_the_data_of_one_process_is_not_taken_for_the_end(tmp_path: Path) -> None:
    main, other = together(cut_short, tmp_path)
    assert isinstance(main, Raised) and main.kind == "PeerError"
    assert isinstance(other, Raised) and other.text == "the batches ended after 2 of 12 steps"


def cut_short(world: World, folder: Path) -> None:
    trainer = Trainer(
        Sharing(), config(), steps_per_epoch=1, device=CPU, run="a", checkpoint=folder / "none.pt",
        record=lambda record: None, world=world,
    )  # fmt: skip
    trainer.train(share(batches_from(0, 2 if world.rank else 12), world))
