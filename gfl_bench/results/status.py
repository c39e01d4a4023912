"""How far a run is, and whether its process still lives."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from gfl_bench.results.reading import SCHEMA, Unreadable, read_object

STATES = ("running", "done", "failed", "preempted", "diverged")
STALE_AFTER = 120.0  # seconds without a heartbeat: four beats missed
KINDS: dict[str, type | tuple[type, ...]] = {
    "state": str, "heartbeat": (int, float), "host": str, "pid": int, "step": int, "message": str,
}


@dataclass
class Status:
    """``status.json``."""

    state: str
    heartbeat: float = field(default_factory=time.time)  # seconds since 1970
    host: str = field(default_factory=platform.node)
    pid: int = field(default_factory=os.getpid)
    step: int = 0
    steps: int | None = None  # of the whole training
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    def is_running(self) -> bool:
        """Whether another process is at work: a fresh heartbeat and, where it can be asked, a living process."""
        if self.state != "running" or time.time() - self.heartbeat >= STALE_AFTER:
            return False
        return self.host != platform.node() or (self.pid != os.getpid() and _is_alive(self.pid))


def read_status(path: Path) -> Status | Unreadable:
    """The status in ``path``, or why there is none."""
    values = read_object(path, KINDS)
    if isinstance(values, Unreadable):
        return values
    if values["state"] not in STATES:
        return Unreadable(path, f"has the unknown state {values['state']!r}")
    return Status(**{f.name: values[f.name] for f in fields(Status) if f.name in values})


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    except PermissionError:
        return True  # it lives, as another user's
    return True
