"""What lies in the folder of one run, for whoever wants to read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gfl_bench.results.reading import Unreadable, read_metrics
from gfl_bench.results.result import read_result
from gfl_bench.results.status import Status, read_status


class RunFiles:
    """``runs/<slug>--<id>/seed<k>/``."""

    def __init__(self, path: Path) -> None:
        self.path = path

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
        """Whether another process seems to be at work in this folder; ``RunFolder.claim`` alone is sure."""
        status = self.status()
        return isinstance(status, Status) and status.is_running()
