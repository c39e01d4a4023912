"""Processes that render scenes, and end with the one that started them, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from gfl_bench.cores import usable_cores
from gfl_bench.engine.signals import STOPPING


@contextmanager
def rendering_pool(processes: int | None) -> Iterator[ProcessPoolExecutor]:
    """``processes`` of them, null for one on each core; what they have not begun when it is left is not done."""
    pool = ProcessPoolExecutor(processes or usable_cores(), initializer=_settle)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _settle() -> None:
    """Make a process of the pool one that computes and no more.

    NumPy's own threads would compete with the processes, and halve their speed. A stop signal of a shell or a scheduler
    goes to all processes of a run, but is the main one's to answer; and when that is killed, nobody else ends these.
    """
    threadpool_limits(1)
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
