"""The training loop: steps, log, checkpoints, stop and continue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from gfl_bench.config.schema import Config
from gfl_bench.engine.checkpoint import resume, save
from gfl_bench.engine.distributed import ALONE, World
from gfl_bench.engine.meter import Meter, describe
from gfl_bench.engine.progress import ProgressView, progress_view
from gfl_bench.engine.reproducibility import make_reproducible
from gfl_bench.engine.schedule import learning_rate, total_steps
from gfl_bench.engine.shares import widened
from gfl_bench.engine.signals import Preempted, StopRequest
from gfl_bench.engine.state import capture, restore
from gfl_bench.engine.training_step import TrainingStep
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch


class Trainer:
    """Trains a detector in place, from where its checkpoint stopped.

    Args:
        detector: takes a ``TrainingStep`` at each step.
        config: its ``schedule``, ``machine``, ``precision`` and ``seed`` are read.
        steps_per_epoch: as ``schedule.steps_per_epoch`` gives it.
        device: where to compute.
        run: id of the configuration; a checkpoint of another one, or of another seed, is refused.
        checkpoint: file that is written, and continued from where it exists.
        record: called at each log interval with ``step``, ``lr``, each term of the loss by its name (the
            mean over the interval), their sum ``loss``, ``images_per_second``, and ``seconds`` since the training
            began. After a kill, steps that no checkpoint held are told a second time.
        world: the processes that share each batch, each with a Trainer. Loss, gradient and batch norms are those of the
            whole batch; all continue from the checkpoint that rank 0 reads, and rank 0 alone records and saves.
        before_save: called before anything is written.

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
        world: World = ALONE,
        before_save: Callable[[], None] = lambda: None,
    ) -> None:
        self.steps = total_steps(config.schedule, steps_per_epoch)
        self.step = 0
        self._config = config
        self._steps_per_epoch = steps_per_epoch
        self._device = device
        self._run = f"{run}, seed {config.seed}"
        self._checkpoint = checkpoint
        self._record = record
        self._world = world
        self._before_save = before_save
        make_reproducible(config.seed, device)
        self._detector = detector
        self._training_step = TrainingStep(detector, config, device, world)
        self._optimizer = self._training_step.optimizer
        self._meter = Meter(self._resume())

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
                batch = widened(self._next(batches, stop), self._world)
                if batch is not None:
                    self._step(batch)
                    self._report(progress)
                (asked,) = self._world.largest([stop.received or 0])
                if asked or self._is_due(self._config.machine.checkpoint_every):
                    self._save()
                if asked:
                    raise Preempted(self.step, asked)

    def _next(self, batches: Iterator[Batch], stop: StopRequest) -> Batch | None:
        """None where the loading processes died of the signal that asks to stop: Ctrl-C reaches them as well."""
        try:
            return next(batches)
        except StopIteration:
            raise RuntimeError(f"the batches ended after {self.step} of {self.steps} steps") from None
        except RuntimeError:
            if stop.received is None:
                raise
            return None

    def _step(self, batch: Batch) -> None:
        terms, values = self._training_step.take(batch, self._rate(self.step))
        self.step += 1
        self._meter.add(self.step, terms, values, len(batch.image_ids) * self._world.size)

    def _report(self, progress: ProgressView) -> None:
        if self._device.type == "cpu":
            self._meter.check()  # a GPU would have to be waited for; there the interval's end will tell
        if not self._is_due(self._config.machine.log_every):
            progress.update(self.step)
            return
        record = self._meter.take_record(self.step, self._rate(self.step - 1))
        if self._world.is_main:
            self._record(record)
        progress.update(self.step, describe(record, self.steps, self._config.schedule.batch_size))

    def _rate(self, step: int) -> float:
        return learning_rate(step, self._config.schedule, self._steps_per_epoch)

    def _is_due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.steps

    def _save(self) -> None:
        self._meter.check()
        if not self._world.is_main:
            return
        self._before_save()
        seconds = self._meter.seconds
        save(self._checkpoint, capture(self._detector, self._optimizer, run=self._run, step=self.step, seconds=seconds))

    def _resume(self) -> float:
        """Continue from the checkpoint, if there is one; returns the seconds that its sessions took."""
        state = self._world.from_main(resume(self._checkpoint, self._run) if self._world.is_main else None)
        if state is None:
            return 0.0
        restore(state, self._detector, self._optimizer, self._checkpoint)
        self.step = state["step"]
        return float(state["seconds"])
