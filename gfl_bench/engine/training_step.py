"""One step of a training: the gradient of a batch, and what the optimizer makes of it."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from gfl_bench.config.schema import Config
from gfl_bench.engine.accumulation import split
from gfl_bench.engine.device import autocast, move, place
from gfl_bench.engine.distributed import ALONE, World
from gfl_bench.engine.optimizer import build_optimizer, clip_gradient, set_learning_rate
from gfl_bench.engine.shares import add_up_gradients, start_equal
from gfl_bench.engine.whole_batch_norm import share_batch_norms
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch


class TrainingStep:
    """Takes steps with a detector, in place.

    Args:
        detector: the sum of the terms of its ``loss`` is minimised; it is put on ``device``.
        config: its ``schedule``, ``machine``, ``precision`` and the detector's recipe are read.
        device: where to compute.
        world: the processes that share each batch. Loss, gradient and batch norms are those of the whole batch.
    """

    def __init__(self, detector: Detector, config: Config, device: torch.device, world: World = ALONE) -> None:
        self._config, self._device, self._world = config, device, world
        self._detector, self._loss = detector, detector.loss
        if world.size > 1:
            self._loss = partial(detector.loss, reduce=world.sum_)
            start_equal(detector, world)
            share_batch_norms(detector, world)
        place(detector, device, config.machine.channels_last)
        self.optimizer = build_optimizer(detector, config.schedule, config.detector.recipe)

    def take(self, batch: Batch, rate: float) -> tuple[tuple[str, ...], Tensor]:
        """Learn from this process's ``batch`` at the learning rate ``rate``.

        Returns:
            Names of the T terms of the loss, and their values [T], means over the images of all processes, on the
            device and without gradient.
        """
        set_learning_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        terms, values = self._backward(batch)
        if self._world.size > 1:
            add_up_gradients(self._detector, self._world)
        clip_gradient(self._detector, self._config.detector.recipe)
        self.optimizer.step()
        return terms, values

    def _backward(self, batch: Batch) -> tuple[tuple[str, ...], Tensor]:
        """Gradient of the summed loss, added up over the parts of ``batch``.

        Each part, of all processes together, is normalised by its own positives and counts by its share of the images;
        with equally many positives in each part the gradient is that of the whole batch.
        """
        total = len(batch.image_ids)
        values = torch.zeros((), device=self._device)
        for part in split(batch, self._config.machine.images_at_once):
            part = move(part, self._device, self._config.machine.channels_last)
            with autocast(self._device, self._config.precision):
                output = self._detector(part.images)
            losses = self._loss(output, part)
            weighted = torch.stack(list(losses.values())) * (len(part.image_ids) / total)
            weighted.sum().backward()
            values = values + weighted.detach()
        return tuple(losses), self._world.sum_(values)
