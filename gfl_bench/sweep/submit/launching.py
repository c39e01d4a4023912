"""Runs as jobs of submitit: what ``hydra/launcher=slurm`` and ``local`` share with ``sweep submit``."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hydra.core.utils import JobReturn

from gfl_bench.sweep.submit.ending import Ending, as_ended
from gfl_bench.sweep.submit.queue import QueueError, array_limit, require_slurm

if TYPE_CHECKING:
    from submitit import AutoExecutor, Job

log = logging.getLogger("gfl_bench")
# The early warning, which kills whoever has no handler, is lost on a job that only begins: scancel repeats it to a job
# of an array, and the second may reach the one that the first had queued again.
PATIENT = """sh -c 'trap "" USR2; exec "$0" "$@"'"""


def log_to_stderr() -> None:
    """What a run says goes to standard error, which a job keeps in a file."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("submitit").propagate = False  # it writes there itself


def make_executor(cluster: str, options: Mapping[str, Any], **further: Any) -> AutoExecutor:
    """submitit's executor with the options of a launcher, and ``further`` ones that only this cluster has.

    Raises:
        QueueError: there is no SLURM.
    """
    from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
    from submitit import AutoExecutor

    if cluster == "slurm":
        require_slurm()
    rest = {key: value for key, value in {**options, **further}.items() if value is not None and key != "_target_"}
    folder, limits = rest.pop("submitit_folder"), rest.pop("max_num_timeout", None)
    if cluster == "local":
        rest.pop("array_parallelism", None)  # submitit starts all at once; ``as_ended`` does not
    starting = {} if limits is None else {f"{cluster}_max_num_timeout": limits}
    if cluster == "slurm":
        starting["slurm_python"] = f"{PATIENT} {shlex.quote(sys.executable)}"
    executor = AutoExecutor(folder, cluster, **starting)
    shared = {field.name for field in fields(BaseQueueConf)}
    executor.update_parameters(**{key if key in shared else f"{cluster}_{key}": rest[key] for key in rest})
    return executor


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """``items`` in their order, ``size`` at a time."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def start(
    executor: AutoExecutor, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]
) -> Iterable[Job[Any]]:
    """Jobs that call ``function``: arrays of SLURM, submitted now; on this machine each when it is asked for."""
    if executor.cluster == "local":
        return (executor.submit(function, *each) for each in arguments)
    some_at_a_time = chunks(arguments, array_limit())
    return [job for some in some_at_a_time for job in executor.map_array(function, *zip(*some, strict=True))]


def launch(
    cluster: str, options: Mapping[str, Any], function: Callable[..., JobReturn], arguments: Sequence[tuple[Any, ...]],
    titles: Sequence[str],
) -> list[JobReturn]:  # fmt: skip
    """Call ``function`` with each of ``arguments`` in a job of its own and wait for all, telling how each ended.

    Leaves with exit code 1 where a run failed, a job died, or the cluster takes none.
    """
    from submitit.core.utils import FailedJobError

    try:
        executor = make_executor(cluster, options)
        jobs = start(executor, function, arguments)
    except (QueueError, FailedJobError) as error:
        log.error("nothing was submitted: %s", " ".join(str(error).split()))
        sys.exit(1)
    log.info("%d runs; what they print: %s", len(arguments), options["submitit_folder"])
    at_once = len(arguments) if cluster == "slurm" else options["array_parallelism"]
    try:
        return _returns(as_ended(jobs, at_once), titles)
    except KeyboardInterrupt:
        left = "SLURM's jobs stay in the queue: squeue, scancel" if cluster == "slurm" else "no other run begins"
        log.error("nobody waits any more; %s", left)
        sys.exit(130)


def _returns(endings: Iterator[tuple[int, Ending]], titles: Sequence[str]) -> list[JobReturn]:
    ended: dict[int, JobReturn] = {}
    bad = 0
    for count, (number, end) in enumerate(endings, 1):
        bad += not end.is_good
        level = logging.INFO if end.is_good else logging.ERROR
        log.log(level, "%d of %d: %s: %s", count, len(titles), titles[number], end.words)
        if end.returned is not None:
            ended[number] = end.returned
    if bad:
        log.error("%d of %d runs failed or died; the same command runs them again, and only them", bad, len(titles))
        sys.exit(1)
    return [ended[number] for number in sorted(ended)]
