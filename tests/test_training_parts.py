"""The parts of the training loop, each by itself: losses, parts of a batch, signals, devices."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from standin import random_batch

from gfl_bench.engine.accumulation import split
from gfl_bench.engine.device import DeviceError, choose_device
from gfl_bench.engine.loss_window import Diverged, LossWindow
from gfl_bench.engine.signals import StopRequest


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


def test_second_interrupt_from_the_keyboard_is_not_kept_waiting() -> None:
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.received == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_device_auto_is_always_there_and_an_unknown_one_is_refused() -> None:
    assert choose_device("auto").type in ("cpu", "cuda")
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(DeviceError, match=r"machine\.device=tpu is not known: use auto"):
        choose_device("tpu")
    with pytest.raises(DeviceError, match=r"machine\.device=cuda:99 is wanted, but torch sees \d+ GPUs"):
        choose_device("cuda:99")
