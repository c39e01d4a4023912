"""What a job of ``submit`` does: ``python -m gfl_bench.run`` with the code of a snapshot.

A job is pickled with its class, which imports nothing of gfl_bench until the snapshot is first on the path. Neither
the folder that the job starts in nor an editable installation decides whose code runs. The run is no process of its
own, so that the cluster's signals, and the ranks that submitit knows, reach it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any


class RunFailedError(RuntimeError):
    """The run ended with exit code 1; its log and its record say why."""


class Job:
    """Callable for submitit; ``code`` is the folder of the snapshot."""

    def __init__(self, code: str, overrides: Sequence[str]) -> None:
        self.code = code
        self.overrides = list(overrides)

    def __call__(self) -> None:
        """The run.

        Raises:
            RunFailedError: so that the job's exit code is no success.
            SystemExit: submitit leaves because the job is queued again, or a signal ended the run.
        """
        sys.path.insert(0, self.code)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (self.code, os.environ.get("PYTHONPATH"))))
        logging.getLogger("submitit").propagate = False  # it writes to the log itself
        sys.argv = ["gfl_bench.run", *self.overrides]
        from gfl_bench.run import main

        try:
            main()
        except SystemExit as leaving:
            if leaving.code == 1:
                raise RunFailedError("the run failed: " + " ".join(self.overrides)) from None
            if leaving.code:
                raise

    def checkpoint(self) -> Any:
        """What submitit queues again after a time limit or a preemption: the same, the run knows how far it came."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def carry_class() -> None:
    """From now on a pickled ``Job`` brings its class along."""
    import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
