"""A training step to be timed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from gfl_bench.config.schema import Config
from gfl_bench.data.coco import CocoDataset
from gfl_bench.data.loader import prepare, train_batches
from gfl_bench.data.transforms import training_transform
from gfl_bench.engine.device import move
from gfl_bench.engine.training_step import TrainingStep
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch

BATCHES = 4  # that the rounds share out


class TimedTraining:
    """Steps of ``config``'s training at a learning rate of 0: the same work each time, by the same weights.

    Args:
        detector: trained in place; only the running statistics of its batch norms change.
        batches: on ``device``.
    """

    def __init__(self, detector: Detector, config: Config, batches: Sequence[Batch], device: torch.device) -> None:
        self.detector = detector.train()
        self._step, self._batches = TrainingStep(detector, config, device), batches

    def __len__(self) -> int:
        return len(self._batches)

    def step(self, number: int) -> None:
        """On batch ``number``; again from the first beyond."""
        self._step.take(self._batches[number % len(self)], rate=0.0)


def first_batches(config: Config, cache: Path, device: torch.device) -> list[Batch]:
    """The first ``BATCHES`` of ``config``'s training, augmented, on ``device``."""
    split = prepare(config.data, cache, ("train",))["train"]
    dataset = CocoDataset(split, training_transform(config.data), training=True)
    batches = train_batches(
        dataset, batch_size=config.schedule.batch_size, seed=config.seed, start_step=0, steps=BATCHES, workers=0
    )
    return [move(batch, device, config.machine.channels_last) for batch in batches]
