"""Entry of gfl_bench: ``python -m gfl_bench.run`` with Hydra overrides.

Compose, check, skip what is finished, then train, evaluate and time; one record a run. A run that fails or diverges is
recorded with its reason, and the rest of the sweep goes on.
"""

from __future__ import annotations

import logging
import shlex
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import register_options, resolve
from gfl_bench.config.help import help_text
from gfl_bench.config.identity import run_name
from gfl_bench.config.paths import conf_folder, expand
from gfl_bench.config.schema import Config
from gfl_bench.results.record import RunFolder

log = logging.getLogger("gfl_bench")

_failures = 0  # runs of this process that were refused or failed: the exit code of a sweep


def main() -> None:
    """Run what the command line composes; exit 1 when any run was refused or failed."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    tables = register_options()
    if {"--help", "-h"} & set(sys.argv[1:]):
        print(help_text(conf_folder(), tables))
        return
    task()
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
    """Run ``config`` unless its folder says that it is finished or under way; returns the state that it is left in."""
    folder = RunFolder(expand(config.paths.runs) / run_name(config) / f"seed{config.seed}")
    title = f"{cell or run_name(config)}, seed {config.seed}"
    if folder.is_finished():
        log.info("%s: finished already, in %s", title, folder.path)
        return "skipped"
    if folder.is_running():
        log.info("%s: under way in another process, in %s", title, folder.path)
        return "running"
    log.info("%s: %s", title, folder.path)
    return _perform_recorded(config, folder, cell, command)


def _perform_recorded(config: Config, folder: RunFolder, cell: str | None, command: str) -> str:
    from gfl_bench.engine.signals import Preempted
    from gfl_bench.experiment import run_experiment  # imports torch, which --help and finished runs do without

    try:
        result = run_experiment(config, folder, cell, command)
        log.info("%s: %s", cell or folder.path, result.summary())
        return "done" if result.diverged is None else "diverged"
    except Preempted as stop:
        log.warning("%s: %s", cell or folder.path, stop)
        sys.exit(128 + stop.signal_number)  # ends the sweep as well: whoever asked wants the process gone
    except Exception as error:
        folder.fail(error)
        if not isinstance(error, ValueError):  # every mistake of a user is one; the rest is for a developer
            log.exception("an unexpected error")
        return _count_failure("failed", f"{cell or folder.path}: {type(error).__name__}: {error}")


def command_of(overrides: list[str]) -> str:
    """The command that repeats this run alone."""
    kept = [override for override in overrides if not override.startswith("sweep=")]
    return shlex.join(["python", "-m", "gfl_bench.run", *kept])


def _count_failure(state: str, message: str) -> str:
    global _failures
    _failures += 1
    log.error("%s: %s", state, message)
    return state


if __name__ == "__main__":
    main()
