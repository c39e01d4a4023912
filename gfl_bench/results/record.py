"""The folder of one run: its states, its log and its result, readable at any moment whoever is killed."""

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

from gfl_bench.atomic import replacing
from gfl_bench.results.reading import Unreadable, read_metrics
from gfl_bench.results.result import Divergence, Result, read_result
from gfl_bench.results.status import Status, read_status

BEAT = 30.0  # seconds between heartbeats


class RunFolderError(ValueError):
    """A run's folder cannot be used."""


class RunFolder:
    """``runs/<slug>--<id>/seed<k>/``.

    A run goes ``start`` -> (``log``, ``step`` inside ``beating``)* -> one of ``finish``, ``diverge``, ``preempt`` and
    ``fail``. Each file is replaced as a whole; ``metrics.jsonl`` alone grows, by whole lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._status = Status("running")
        self._lock = threading.Lock()  # the heartbeat and the run write one file

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def detections(self) -> Path:
        return self.path / "detections.json.gz"

    @property
    def evidence(self) -> Path:
        return self.path / "evidence.npz"

    def status(self) -> Status | Unreadable:
        """How far the run is, or why nobody knows."""
        return read_status(self.path / "status.json")

    def result(self) -> dict[str, Any] | Unreadable:
        """What the run measured, or why there is nothing."""
        return read_result(self.path / "result.json")

    def metrics(self) -> list[dict[str, Any]]:
        """The log by step; see ``read_metrics``."""
        return read_metrics(self.path / "metrics.jsonl")

    def is_finished(self) -> bool:
        """Whether the run left a result, divergence included: the result is written last, as a whole."""
        return not isinstance(self.result(), Unreadable)

    def is_running(self) -> bool:
        """Whether another process is at work in this folder."""
        status = self.status()
        return isinstance(status, Status) and status.is_running()

    def start(self, config: Mapping[str, Any], steps: int | None = None) -> None:
        """Make the folder and claim it for this process.

        Raises:
            RunFolderError: nothing can be written there.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._status = Status("running", steps=steps)
            self._tell()
            self._write("config.yaml", yaml.safe_dump(dict(config), sort_keys=False).encode())
            _close_last_line(self.path / "metrics.jsonl")
        except OSError as error:
            raise RunFolderError(
                f"the run's folder {self.path} cannot be written ({error.strerror}): choose another with paths.runs=DIR"
            ) from error

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Say every half minute that the run lives, also while it evaluates or waits for data."""
        stop = threading.Event()
        thread = threading.Thread(target=self._beat, args=(stop,), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def step(self, step: int, steps: int | None = None) -> None:
        """Note how far the training is; the next heartbeat tells."""
        with self._lock:
            self._status = replace(self._status, step=step, steps=self._status.steps if steps is None else steps)

    def log(self, record: Mapping[str, float]) -> None:
        """Append one line to ``metrics.jsonl``; its ``step`` is noted."""
        with (self.path / "metrics.jsonl").open("ab") as file:
            file.write(json.dumps(dict(record)).encode() + b"\n")
        if "step" in record:
            self.step(int(record["step"]))

    def finish(self, result: Result) -> None:
        """Write the result, and only then the state ``done`` or, where the result says so, ``diverged``."""
        values = result.as_json()
        self._write("result.json", json.dumps(values, indent=1, allow_nan=False).encode())
        self._tell(state=values["state"], message=_told(result.diverged))

    def preempt(self, step: int) -> None:
        """Say that the run was asked to stop, and waits to be continued."""
        self._tell(state="preempted", step=step, message="start it again to continue")

    def fail(self, error: BaseException) -> None:
        """Say why the run stopped; where not even that can be written, say nothing."""
        with contextlib.suppress(OSError):
            self._tell(state="failed", message=f"{type(error).__name__}: {error}")

    def _tell(self, **changes: Any) -> None:
        with self._lock:
            self._status = replace(self._status, heartbeat=time.time(), **changes)
            self._write("status.json", json.dumps(self._status.as_json(), indent=1).encode())

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(BEAT):
            with contextlib.suppress(OSError):  # a full disk for a moment is no reason to end a run
                self._tell()

    def _write(self, name: str, content: bytes) -> None:
        with replacing(self.path / name) as file:
            file.write(content)


def _told(diverged: Divergence | None) -> str:
    return "" if diverged is None else f"the loss term {diverged.term} was not finite at step {diverged.step}"


def _close_last_line(path: Path) -> None:
    """End a line that a kill cut short, so that the next one stands alone."""
    if path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
