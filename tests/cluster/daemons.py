"""Processes of a cluster: started in the background, found again by their environment, stopped for good."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gfl_bench.process import pid_lives

PATIENCE = 180.0  # seconds that anything may take on a slow, busy machine
Environment = Mapping[str, str]


class LabError(RuntimeError):
    """The cluster does not start; the message says why and what to do."""


@dataclass(frozen=True)
class Daemon:
    """A program that stays in the foreground, and a command that succeeds once it is ready."""

    command: list[str]
    ready: list[str]

    def start(self, environment: Environment, folder: Path) -> subprocess.Popen[bytes]:
        """The process, once it is ready; what it says goes to ``folder/<name>.log``.

        Raises:
            LabError: it ends, or is not ready in time; with the end of its log.
        """
        log = folder / f"{self.command[0]}.log"
        with log.open("ab") as file:
            process = subprocess.Popen(
                self.command, env=environment, cwd=folder, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if succeeds(self.ready, environment):
                return process
            time.sleep(0.1)
        last = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        raise LabError(f"{self.command[0]} does not start; the end of {log}:\n{last}")


def succeeds(command: list[str], environment: Environment) -> bool:
    """Whether ``command`` exits 0 within 20 seconds."""
    with suppress(subprocess.TimeoutExpired):
        return not subprocess.run(command, env=environment, capture_output=True, timeout=20).returncode
    return False


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Return as soon as ``condition()`` holds.

    Raises:
        TimeoutError: it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {seconds:.0f} s")
        time.sleep(0.1)


def running() -> Iterator[tuple[int, str, dict[str, str]]]:
    """Id, name and environment of each process that this user may look at."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended by now, or of another user
            variables = (path / "environ").read_bytes().decode(errors="replace").split("\0")
            environment = dict(each.split("=", 1) for each in variables if "=" in each)
            yield int(path.name), (path / "comm").read_text().strip(), environment


def stop(ids: Iterable[int]) -> None:
    """End processes: SIGTERM and, to those that are there 10 seconds later, SIGKILL."""
    left = list(ids)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        with suppress(TimeoutError):
            wait_until(lambda: not any(map(pid_lives, left)), seconds=10)
