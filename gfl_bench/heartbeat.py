"""Whether whoever holds a file still lives, told without comparing two clocks.

The holder puts a new time on its file now and then. Whoever wants to know asks the system where the holder is of the
same one, and elsewhere watches: it lives as soon as the time changes, and is dead when that did not happen for
``PATIENCE``. Only the watcher's monotonic clock is read, so that clocks that jump, or differ between machines, decide
nothing. A look opens the file, which asks NFS's server; the times alone it would tell from its cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gfl_bench.process import Process, this_process

BEAT = 30.0  # seconds between heartbeats
PATIENCE = 120.0  # seconds without one: four beats missed, and twice as long as NFS keeps what it knows


@contextlib.contextmanager
def heartbeat(beat: Callable[[], None], every: float = BEAT) -> Iterator[None]:
    """Call ``beat`` each ``every`` seconds in a thread of its own; one that cannot be written ends nothing."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every):
            with contextlib.suppress(OSError):
                beat()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Watch:
    """Looks at files, each held by a process whose ``Process`` it contains as JSON."""

    def __init__(self) -> None:
        self.holder = "another process"
        self._seen: tuple[Path, int] | None = None
        self._since = 0.0

    def lives(self, path: Path) -> bool | None:
        """Whether the holder of ``path`` lives; None while only another look, later, can tell.

        A holder that is this very process has forgotten the file, and counts as dead.
        """
        try:
            with path.open("rb") as file:
                beat, process = os.fstat(file.fileno()).st_mtime_ns, _read(file.read())
        except FileNotFoundError:
            return None  # released this moment
        if process is None:
            return self._beats(path, beat)
        self.holder = f"process {process.pid} on {process.host}"
        alive = False if process == this_process() else process.is_alive()
        return self._beats(path, beat) if alive is None else alive

    def _beats(self, path: Path, beat: int) -> bool | None:
        if self._seen is None or self._seen[0] != path:
            self._seen, self._since = (path, beat), time.monotonic()
        if self._seen[1] != beat:
            return True
        return False if time.monotonic() - self._since >= PATIENCE else None


def _read(content: bytes) -> Process | None:
    """Who wrote ``content``; None where it is not all written yet, or is something else."""
    try:
        return Process(**json.loads(content))
    except (ValueError, TypeError, RecursionError):
        return None
