"""The training loop: step, log, checkpoint, stop and continue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from gfl_bench.config.schema import Config
from gfl_bench.engine.accumulation import split
from gfl_bench.engine.checkpoint import load, save
from gfl_bench.engine.device import autocast, move, place
from gfl_bench.engine.meter import Meter, describe
from gfl_bench.engine.optimizer import build_optimizer, clip_gradient, set_learning_rate
from gfl_bench.engine.progress import ProgressView, progress_view
from gfl_bench.engine.reproducibility import make_reproducible
from gfl_bench.engine.schedule import learning_rate, total_steps
from gfl_bench.engine.signals import Preempted, StopRequest
from gfl_bench.engine.state import capture, restore
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch


class Trainer:
    """Trains a detector in place, from where its checkpoint stopped.

    Args:
        detector: the sum of the terms of its ``loss`` is minimised.
        config: its ``schedule``, ``machine``, ``precision`` and ``seed`` are read.
        steps_per_epoch: as ``schedule.steps_per_epoch`` gives it.
        device: where to compute.
        run: id of the configuration; a checkpoint of another one, or of another seed, is refused.
        checkpoint: file that is written, and continued from where it exists.
        record: called at each log interval with ``step``, ``lr``, each term of the loss by its name (the
            mean over the interval), their sum ``loss``, ``images_per_second``, and ``seconds`` since the training
            began. After a kill, steps that no checkpoint held are told a second time.

    Attributes:
        step: steps done; ``train`` wants the batches from this one on.
        steps: steps of the whole training.

    Raises:
        ScheduleError: the schedule cannot be run.
        CheckpointError: there is a checkpoint, but it cannot be continued.
    """

    def __init__(
        self,
        detector: Detector,
        config: Config,
        *,
        steps_per_epoch: int,
        device: torch.device,
        run: str,
        checkpoint: Path,
        record: Callable[[dict[str, float]], None],
    ) -> None:
        self.steps = total_steps(config.schedule, steps_per_epoch)
        self.step = 0
        self._config = config
        self._steps_per_epoch = steps_per_epoch
        self._device = device
        self._run = f"{run}, seed {config.seed}"
        self._checkpoint = checkpoint
        self._record = record
        make_reproducible(config.seed, device)
        place(detector, device, config.machine.channels_last)
        self._detector = detector
        self._optimizer = build_optimizer(detector, config.schedule, config.detector.recipe)
        self._meter = Meter(self._resume() if checkpoint.exists() else 0.0)

    @property
    def seconds(self) -> float:
        """Spent on training so far, those of earlier sessions included."""
        return self._meter.seconds

    def train(self, batches: Iterator[Batch]) -> None:
        """Do the steps that are left, one for each of ``batches``, and save the state after each interval and the last.

        Raises:
            Diverged: a loss was not finite; no checkpoint holds that state.
            Preempted: a signal asked to stop; the state is saved, and a new Trainer continues from it, on a CPU bit
                for bit.
            CheckpointError: a checkpoint could not be written.
        """
        if self.step == self.steps:
            return
        self._detector.train()
        self._meter.start()
        with StopRequest() as stop, progress_view("training", self.steps) as progress:
            while self.step < self.steps:
                self._step(self._next(batches, stop))
                self._report(progress)
                if stop.received is not None or self._is_due(self._config.machine.checkpoint_every):
                    self._save()
                if stop.received is not None:
                    raise Preempted(self.step, stop.received)

    def _next(self, batches: Iterator[Batch], stop: StopRequest) -> Batch:
        try:
            return next(batches)
        except StopIteration:
            raise RuntimeError(f"the batches ended after {self.step} of {self.steps} steps") from None
        except RuntimeError:
            if stop.received is None:
                raise
            self._save()  # Ctrl-C reaches the loading processes as well; the state is that after a whole step
            raise Preempted(self.step, stop.received) from None

    def _step(self, batch: Batch) -> None:
        set_learning_rate(self._optimizer, self._rate(self.step))
        self._optimizer.zero_grad(set_to_none=True)
        self._backward(batch)
        clip_gradient(self._detector, self._config.detector.recipe)
        self._optimizer.step()
        self.step += 1

    def _backward(self, batch: Batch) -> None:
        """Gradient of the summed loss, added up over the parts of ``batch``.

        Each part is normalised by its own positives and counts by its share of the images. So it is with the
        reference's processes too, but that those average the normalisers as well; with equally many positives in
        each part the gradient is that of the whole batch.
        """
        total = len(batch.image_ids)
        values = torch.zeros((), device=self._device)
        for part in split(batch, self._config.machine.images_at_once):
            part = move(part, self._device, self._config.machine.channels_last)
            with autocast(self._device, self._config.precision):
                output = self._detector(part.images)
            losses = self._detector.loss(output, part)
            weighted = torch.stack(list(losses.values())) * (len(part.image_ids) / total)
            weighted.sum().backward()
            values = values + weighted.detach()
        self._meter.add(self.step + 1, tuple(losses), values, total)

    def _report(self, progress: ProgressView) -> None:
        if self._device.type == "cpu":
            self._meter.check()  # a GPU would have to be waited for; there the interval's end will tell
        if not self._is_due(self._config.machine.log_every):
            progress.update(self.step)
            return
        record = self._meter.take_record(self.step, self._rate(self.step - 1))
        self._record(record)
        progress.update(self.step, describe(record, self.steps, self._config.schedule.batch_size))

    def _rate(self, step: int) -> float:
        return learning_rate(step, self._config.schedule, self._steps_per_epoch)

    def _is_due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.steps

    def _save(self) -> None:
        self._meter.check()
        seconds = self._meter.seconds
        save(self._checkpoint, capture(self._detector, self._optimizer, run=self._run, step=self.step, seconds=seconds))

    def _resume(self) -> float:
        """Continue from the checkpoint; returns the seconds that its sessions took."""
        state = load(self._checkpoint, self._run)
        restore(state, self._detector, self._optimizer, self._checkpoint)
        self.step = state["step"]
        return float(state["seconds"])
