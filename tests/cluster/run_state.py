"""What a run has left so far."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from daemons import running
from torch.testing import assert_close


class Run:
    """A run's folder, as it is now."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def status(self) -> dict[str, Any]:
        """``status.json``; empty where there is none yet."""
        return _read(self.path / "status.json")

    @property
    def result(self) -> dict[str, Any]:
        return _read(self.path / "result.json")

    @property
    def logged(self) -> list[int]:
        """The steps of ``metrics.jsonl``."""
        return [json.loads(line)["step"] for line in (self.path / "metrics.jsonl").read_text().splitlines()]

    @property
    def checkpoint(self) -> dict[str, Any]:
        state: dict[str, Any] = torch.load(self.path / "checkpoint.pt", weights_only=True)
        return state

    @property
    def job(self) -> str:
        """Id of the job that it runs in."""
        pid = self.status["pid"]
        (of,) = (environment for process, _, environment in running() if process == pid)
        array = of.get("SLURM_ARRAY_JOB_ID")
        return of["SLURM_JOB_ID"] if array is None else f"{array}_{of['SLURM_ARRAY_TASK_ID']}"


def assert_same_state(one: Run, other: Run) -> None:
    """Weights and the optimizer's state are the same, bit for bit."""
    for part in ("model", "optimizer"):
        assert_close(one.checkpoint[part], other.checkpoint[part], rtol=0, atol=0)
    assert one.checkpoint["step"] == other.checkpoint["step"] == one.status["steps"]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}
