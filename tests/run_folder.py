"""A run's folder and a result to leave in it."""

from __future__ import annotations

from typing import Any

from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Result
from gfl_bench.results.status import Status

CONFIG = {"quality": {"name": "joint", "beta": 2.0}, "seed": 3}


def a_result(**changes: Any) -> Result:
    values: dict[str, Any] = {
        "cell": "table05.beta2", "id": "0123456789", "seed": 3, "scale": "smoke",
        "command": "python -m gfl_bench.run cell=table05.beta2", "config": CONFIG, "metrics": {"AP": 39.9},
    }
    return Result(**(values | changes))


def status_of(folder: RunFolder) -> Status:
    status = folder.status()
    assert isinstance(status, Status)
    return status
