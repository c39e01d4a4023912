"""Entry of gfl_bench: ``python -m gfl_bench.run`` with Hydra overrides.

Compose, check, skip what is finished, then train, evaluate and time; one record a run. A run that fails or diverges is
recorded with its reason, and the rest of the sweep goes on; a signal ends all.
"""

from __future__ import annotations

import logging
import shlex
import sys
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from gfl_bench.claim import Held, Lost
from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import register_options, resolve
from gfl_bench.config.help import help_text
from gfl_bench.config.identity import run_name
from gfl_bench.config.paths import conf_folder, expand
from gfl_bench.config.schema import Config
from gfl_bench.engine.distributed import World, join_world
from gfl_bench.engine.rank import rank_of_environment
from gfl_bench.engine.signals import Preempted, StopRequest, hand_on
from gfl_bench.results.advice import advice_on, explained
from gfl_bench.results.record import RunFolder

log = logging.getLogger("gfl_bench")

_failures: list[str] = []  # what was refused or failed in this process


def main() -> None:
    """Run what the command line composes; exit 1 when any run was refused or failed, after naming them."""
    rank, _ = rank_of_environment()
    level = logging.WARNING if rank else logging.INFO  # one line for all processes of a run
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
    tables = register_options()
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text(conf_folder(), tables))
        return
    try:
        task()
    finally:
        if len(_failures) > 1:
            log.error("%d runs failed:\n%s", len(_failures), "\n".join(_failures))
    sys.exit(1 if _failures else 0)


@hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")
def task(composed: DictConfig) -> str:
    """One run of a sweep, or the only one; returns its state."""
    hydra_config = HydraConfig.get()
    sweep, cell = (hydra_config.runtime.choices.get(group) for group in ("sweep", "cell"))
    if sweep is not None and hydra_config.mode is not RunMode.MULTIRUN:
        return _count_failure("refused", f"sweep={sweep} is many runs: put -m before it")
    try:
        config = resolve(composed)
    except ConfigError as error:
        return _count_failure("refused", str(error))
    return perform(config, cell, command_of(list(hydra_config.overrides.task)))


def perform(config: Config, cell: str | None, command: str) -> str:
    """Run ``config`` unless its folder says that it is finished or under way; returns the state that it is left in.

    Raises:
        SystemExit: a signal asked to stop; ends the sweep as well, since whoever asked wants the process gone.
        Exception: what a launcher's handler of that signal raises where it cannot have the job queued again.
    """
    folder = RunFolder(expand(config.paths.runs) / run_name(config) / f"seed{config.seed}")
    title = f"{cell or run_name(config)}, seed {config.seed}"
    try:
        with StopRequest(at_once=True), join_world() as world:
            state = world.from_main(_left(folder, title) if world.is_main else None)
            return state or _perform_recorded(config, folder, cell, command, world)
    except Preempted as stop:
        _preempt(folder, stop)
        log.warning("%s: %s", title, stop)
        stopped = stop
    except (Held, Lost) as left:
        log.warning("%s: %s", title, left)
        return "running"
    except Exception as error:
        return _fail(folder, title, error)
    finally:
        folder.release()
    _leave(stopped.signal_number)


def _left(folder: RunFolder, title: str) -> str | None:
    """The state of a run that others have finished or are at work on; None where it is this process's from now on."""
    if not folder.is_finished():
        try:
            folder.claim()
            log.info("%s: %s", title, folder.path)
            return None
        except Held as held:
            if not folder.is_finished():
                log.info("%s: %s, in %s", title, held, folder.path)
                return "running"
    log.info("%s: finished already, in %s", title, folder.path)
    return "skipped"


def _perform_recorded(config: Config, folder: RunFolder, cell: str | None, command: str, world: World) -> str:
    from gfl_bench.recorded_run import run_experiment  # imports torch, which --help and finished runs do without

    result = run_experiment(config, folder, cell, command, world)
    log.info("%s: %s", cell or folder.path, result.summary())
    return "done" if result.diverged is None else "diverged"


def _preempt(folder: RunFolder, stop: Preempted) -> None:
    rank, _ = rank_of_environment()
    if rank == 0:
        folder.preempt(stop.step)


def _fail(folder: RunFolder, title: str, error: Exception) -> str:
    rank, _ = rank_of_environment()
    if rank == 0:
        folder.fail(error)
        if not isinstance(error, ValueError) and advice_on(error) is None:  # every mistake of a user is a ValueError
            log.error("an unexpected error", exc_info=error)
    return _count_failure("failed", f"{title}, in {folder.path}: {explained(error)}")


def _leave(number: int) -> NoReturn:
    """End the process for signal ``number``: as its launcher does, or as a shell would say."""
    rank, _ = rank_of_environment()
    if rank:
        sys.exit(0)  # any other code would have the first process killed, which may still be asking to be queued again
    hand_on(number)
    sys.exit(128 + number)


def command_of(overrides: list[str]) -> str:
    """The command that repeats this run alone."""
    kept = [override for override in overrides if not override.startswith("sweep=")]
    return shlex.join(["python", "-m", "gfl_bench.run", *kept])


def _count_failure(state: str, message: str) -> str:
    _failures.append(f"{state}: {message}")
    log.error("%s: %s", state, message)
    return state


if __name__ == "__main__":
    main()
