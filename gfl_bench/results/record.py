"""The states, the log and the result of one run as it writes them, readable at any moment whoever is killed."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from gfl_bench.atomic import remove_partial, replacing
from gfl_bench.claim import Claim, Held, Lost, is_claimed, take_claim
from gfl_bench.heartbeat import BEAT, heartbeat
from gfl_bench.results.advice import explained
from gfl_bench.results.left_behind import close_last_line, set_aside_unreadable
from gfl_bench.results.result import Result
from gfl_bench.results.run_files import RunFiles
from gfl_bench.results.status import Status, overwrite_status


class RunFolderError(ValueError):
    """A run's folder cannot be used."""


class RunFolder(RunFiles):
    """The folder of one run as it is written.

    A run goes ``start`` -> (``log``, ``step`` inside ``beating``)* -> one of ``finish``, ``preempt`` and ``fail``, of
    which each lets go of what ``start`` claimed. Each file is replaced as a whole; ``metrics.jsonl`` alone grows, by
    whole lines.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._status = Status("running")
        self._claim: Claim | None = None
        self._lock = threading.RLock()  # the heartbeat and the run write one file

    def claim(self) -> None:
        """Make the folder and claim it for this process, which may take two minutes; see ``take_claim``.

        What a killed process left half written is removed; a result that cannot be read is set aside.

        Raises:
            Held: another process is at work there, or has finished in the meantime.
            RunFolderError: nothing can be written there.
        """
        with self._telling():
            self.path.mkdir(parents=True, exist_ok=True)
            self._claim = take_claim(self._place)
            if self.is_finished():
                raise Held("finished by another process in the meantime")
            remove_partial(self.path)
            set_aside_unreadable(self.result())

    def start(self, config: Mapping[str, Any], steps: int | None = None) -> None:
        """Say that the run begins, or continues; claims the folder where that is not done.

        Raises:
            Held, RunFolderError: as ``claim``.
        """
        if self._claim is None:
            self.claim()
        with self._telling():
            self._status = Status("running", steps=steps)
            self._tell()
            self._write("config.yaml", yaml.safe_dump(dict(config), sort_keys=False).encode())
            close_last_line(self.path / "metrics.jsonl")

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Say every half minute that the run lives, also while it evaluates or waits for data."""
        with heartbeat(self._beat, BEAT):
            yield

    def check(self) -> None:
        """Make sure that this process may still write in the folder, which it claimed.

        Raises:
            Lost: another process took it over.
            RunFolderError: it was removed.
        """
        if self._claim is None or self._claim.is_held():
            return
        if self.is_finished() or is_claimed(self._place):
            raise Lost("taken over by another process, which saw no heartbeat of this one")
        raise RunFolderError(f"the run's folder {self.path} was removed under the run: the same command starts again")

    def step(self, step: int, steps: int | None = None) -> None:
        """Note how far the training is; the next heartbeat tells."""
        with self._lock:
            self._status = replace(self._status, step=step, steps=self._status.steps if steps is None else steps)

    def log(self, record: Mapping[str, float]) -> None:
        """Append one line to ``metrics.jsonl``; its ``step`` is noted.

        Raises:
            Lost, RunFolderError: as ``check``.
            OSError: the disk is full.
        """
        self.check()
        with (self.path / "metrics.jsonl").open("ab", buffering=0) as file:
            file.write(json.dumps(dict(record)).encode() + b"\n")
        if "step" in record:
            self.step(int(record["step"]))

    def finish(self, result: Result) -> None:
        """Write the result, and only then the state ``done`` or, where the result says so, ``diverged``.

        Raises:
            Lost: another process took the folder over, or has finished; its result stays.
            RunFolderError: the folder was removed.
            OSError: the disk is full.
        """
        values = result.as_json()
        self.check()
        try:
            self._write("result.json", json.dumps(values, indent=1, allow_nan=False).encode())
        except FileExistsError:
            raise Lost("finished by another process, whose result stays") from None
        self._tell_last(state=values["state"], message="" if result.diverged is None else result.diverged.words)

    def preempt(self, step: int | None = None) -> None:
        """Say that the run was asked to stop, at ``step`` of its training, and waits to be continued."""
        if not self.is_finished():
            step = self._status.step if step is None else step
            self._tell_last(state="preempted", step=step, message="start it again to continue")

    def fail(self, error: BaseException) -> None:
        """Say why the run stopped, and what to do where that is known; where it cannot be written, say nothing."""
        if not self.is_finished():
            self._tell_last(state="failed", message=explained(error))

    def release(self) -> None:
        """Let other processes claim the folder at once."""
        with self._lock:
            if self._claim is not None:
                self._claim.release()
            self._claim = None

    @property
    def _place(self) -> Path:
        return self.path / ".claim"

    def _tell(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, heartbeat=time.time(), **changes)
            self._write("status.json", json.dumps(self._status.as_json(), indent=1).encode())

    def _tell_last(self, **changes: Any) -> None:
        """Tell how the run ended, if need be in the place of the old status, which needs no space; and let go."""
        with self._lock, contextlib.suppress(OSError, Lost, RunFolderError):
            self.check()
            if self._claim is None and is_claimed(self._place):
                return  # by another process, since this one let go
            try:
                self._tell(**changes)
            except OSError:
                overwrite_status(self.path / "status.json", self._status)
        self.release()

    def _beat(self) -> None:
        with self._lock, contextlib.suppress(Lost, RunFolderError):  # the run itself will notice
            if self._claim is not None:
                self.check()
                self._claim.beat()
                self._tell()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Let go where it goes wrong, and say in words that nothing can be written."""
        try:
            yield
        except Held:
            self.release()
            raise
        except OSError as error:
            self.release()
            raise RunFolderError(
                f"the run's folder {self.path} cannot be written ({error.strerror}): choose another with paths.runs=DIR"
            ) from error

    def _write(self, name: str, content: bytes) -> None:
        with replacing(self.path / name, overwrite=name != "result.json") as file:
            file.write(content)
