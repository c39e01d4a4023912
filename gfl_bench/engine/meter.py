"""What is told of a training while it runs: losses, learning rate, speed, time."""

from __future__ import annotations

import time
from datetime import timedelta

from torch import Tensor

from gfl_bench.engine.loss_window import LossWindow


class Meter:
    """Collects one interval of steps and says what happened in it.

    Args:
        seconds: spent in earlier sessions of the same training.
    """

    def __init__(self, seconds: float) -> None:
        self._earlier = seconds
        self._images = 0
        self._window = LossWindow()
        self.start()

    def start(self) -> None:
        """Count time from now on."""
        self._start = self._lap = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds of training, all sessions together."""
        return self._earlier + time.perf_counter() - self._start

    def add(self, step: int, terms: tuple[str, ...], values: Tensor, images: int) -> None:
        """Count a step of ``images`` images whose losses ``terms`` are ``values`` [T]."""
        self._window.add(step, terms, values)
        self._images += images

    def check(self) -> None:
        """Raise ``Diverged`` where a step since the last look had a loss that is not finite."""
        self._window.check()

    def take_record(self, step: int, lr: float) -> dict[str, float]:
        """Record of the interval that ends with ``step``, and begin the next. Raises ``Diverged`` as ``check``."""
        losses = self._window.take_means()
        now = time.perf_counter()
        rate = self._images / (now - self._lap)
        self._lap, self._images = now, 0
        return {
            "step": step,
            "lr": lr,
            "loss": sum(losses.values()),
            **losses,
            "images_per_second": round(rate, 2),
            "seconds": round(self.seconds, 3),
        }


def describe(record: dict[str, float], steps: int, images_per_step: int) -> str:
    """``record`` in one line: learning rate, losses, speed and the time that the rest of ``steps`` will take."""
    losses = [(name, value) for name, value in record.items() if name.startswith("loss_")]
    terms = "  ".join(f"{name.removeprefix('loss_')} {value:.4f}" for name, value in losses)
    rate = record["images_per_second"]
    left = timedelta(seconds=round((steps - record["step"]) * images_per_step / rate)) if rate > 0 else "?"
    return f"lr {record['lr']:.4g}  loss {record['loss']:.4f} ({terms})  {rate:.1f} images/s  {left} left"
