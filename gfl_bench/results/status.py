"""How far a run is, and whether its process still lives."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from gfl_bench.heartbeat import PATIENCE
from gfl_bench.process import pid_lives
from gfl_bench.results.reading import SCHEMA, Unreadable, read_object

STATES = ("running", "done", "failed", "preempted", "diverged")
STALE_AFTER = PATIENCE  # seconds without a heartbeat
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
        """Whether another process seems at work: a fresh heartbeat and, where it can be asked, a living process.

        It compares clocks, and so is for people to read; what may write asks ``take_claim``. A heartbeat of the future
        is of a clock that was put back, and as little worth as an old one.
        """
        if self.state != "running" or abs(time.time() - self.heartbeat) >= STALE_AFTER:
            return False
        return self.host != platform.node() or (self.pid != os.getpid() and pid_lives(self.pid))


def read_status(path: Path) -> Status | Unreadable:
    """The status in ``path``, or why there is none."""
    values = read_object(path, KINDS)
    if isinstance(values, Unreadable):
        return values
    if values["state"] not in STATES:
        return Unreadable(path, f"has the unknown state {values['state']!r}")
    return Status(**{f.name: values[f.name] for f in fields(Status) if f.name in values})



def overwrite_status(path: Path, status: Status) -> None:
    """Write ``status`` over what is in ``path``, which a full disk allows where a new file has no space.

    A kill in the middle of these few bytes would leave a status that cannot be read.
    """
    content = json.dumps(status.as_json()).encode()
    with path.open("r+b", buffering=0) as file:
        file.write(content.ljust(path.stat().st_size))
