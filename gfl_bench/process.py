"""Which process this is, so that another one can tell whether it still lives."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")  # Linux; elsewhere a process is known by its number alone


@dataclass(frozen=True)
class Process:
    """A process of some machine.

    Attributes:
        space: where ``pid`` means this process: the machine's boot and, in a container, its own table of processes.
        started: clock ticks from boot to its start, so that a number that was given again is another process.
    """

    host: str
    space: str
    pid: int
    started: int

    def is_alive(self) -> bool | None:
        """Whether it lives; None where that cannot be asked from here."""
        if (self.host, self.space) != (platform.node(), _space()):
            return None
        return pid_lives(self.pid) and _started(self.pid) == self.started


def this_process() -> Process:
    """The process that asks."""
    return Process(platform.node(), _space(), os.getpid(), _started(os.getpid()))


def pid_lives(pid: int) -> bool:
    """Whether process ``pid`` of this machine lives; one that ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # it lives, as another user's
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    return _fields(pid)[:1] not in (["Z"], ["X"])


def _started(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[19]) if len(fields) > 19 else 0


def _fields(pid: int) -> list[str]:
    """What ``/proc/<pid>/stat`` says behind the name, which may hold anything: its state first."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


@cache
def _space() -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""
