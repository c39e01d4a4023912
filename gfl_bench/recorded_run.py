"""One run from start to record, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from gfl_bench.config.identity import plain
from gfl_bench.config.schema import Config
from gfl_bench.engine.distributed import ALONE, World
from gfl_bench.engine.loss_window import Diverged
from gfl_bench.engine.signals import Preempted
from gfl_bench.experiment import Experiment
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Divergence, Result


def run_experiment(
    config: Config, folder: RunFolder, cell: str | None, command: str, world: World = ALONE
) -> Result:
    """Do what ``config.mode`` says and leave the record in ``folder``, which rank 0 of ``world`` alone writes to.

    A loss that is not finite is a result too: it is recorded with its step and term.

    Raises:
        Preempted: a signal asked to stop; the same command continues.
        RankError: another process of ``world`` failed; each of them raises what went wrong first.
    """
    with world.failing_together(folder.fail), _recorded(config, folder, world):
        experiment = Experiment(config, folder, cell, command, world)
        try:
            experiment.run()
        except Diverged as divergence:
            experiment.result.diverged = Divergence(divergence.step, divergence.term)
        if world.is_main:
            folder.finish(experiment.result)
        world.wait()  # a launcher that sees one process fail, of an earlier run perhaps, ends the others
        return experiment.result


@contextmanager
def _recorded(config: Config, folder: RunFolder, world: World) -> Iterator[None]:
    """Tell in ``folder`` that the run lives, and whether it was asked to stop."""
    if world.is_main:
        folder.start(plain(config))
    with folder.beating() if world.is_main else nullcontext():
        try:
            yield
        except Preempted as stop:
            if world.is_main:
                folder.preempt(stop.step)
            if stop.step is not None:
                world.wait()  # a launcher that sees one process end may end the others
            raise
