"""``hydra/launcher=slurm`` and ``local``: a run that dies is told in a sentence, and the others are waited for.

Hydra takes launchers from the namespace package ``hydra_plugins`` alone, which therefore has no ``__init__.py``, and
imports what it finds there at each start.
"""

from collections.abc import Sequence
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import BaseSubmititLauncher

from gfl_bench.sweep.submit import launching
from gfl_bench.sweep.submit.launchers import register_launchers


class _Launcher(BaseSubmititLauncher):
    """hydra-submitit-launcher's, but a job that died ends neither the waiting for the others nor in a traceback."""

    def __call__(self, *arguments: Any) -> JobReturn:
        """In the job: what one run returns."""
        launching.log_to_stderr()
        return super().__call__(*arguments)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run all, wait for all; leaves with exit code 1 where one failed or died."""
        singletons = Singleton.get_state()  # cells are options of Hydra's store, which the jobs compose from
        arguments = [
            (list(overrides), "hydra.sweep.dir", number, str(number), singletons)
            for number, overrides in enumerate(job_overrides, initial_job_idx)
        ]
        return launching.launch(self._EXECUTOR, self.params, self, arguments, list(map(_title, job_overrides)))


def _title(overrides: Sequence[str]) -> str:
    """A run for people: its cell and seed, or all that is said of it."""
    named = [override for override in overrides if override.startswith(("cell=", "seed="))]
    return " ".join(named if any(override.startswith("cell=") for override in named) else overrides)


class SlurmLauncher(_Launcher):
    """``hydra/launcher=slurm``."""

    _EXECUTOR = "slurm"


class LocalLauncher(_Launcher):
    """``hydra/launcher=local``."""

    _EXECUTOR = "local"


register_launchers()
