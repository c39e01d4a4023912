"""Sessions of gfl_bench.speed as it would leave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from gfl_bench.results.speed_records import Comparison, load_speed, write_session

CLOCK = count()
FACTS: dict[str, Any] = {  # of a protocol and of conditions, beyond what compares sessions
    "protocol": {"weights": "random", "flags": {"precision": "bf16", "threads": 4, "compiled": False}},
    "conditions": {"load": {"others_share": 0.25}},
}


def a_session(
    times: Mapping[str, Sequence[float]], protocol: str = "p", hardware: str = "h", stages: Sequence[str] = ("detect",),
    **changes: Any,
) -> dict[str, Any]:
    """``times`` by cell, in milliseconds, one a round; the same in each stage."""
    cells = {
        name: {"id": f"id of {name}", "stages": {stage: {"samples_ms": list(times[name])} for stage in stages}}
        for name in times
    }
    return {
        "schema": 1, "command": "python -m gfl_bench.speed sweep=table12", "time": next(CLOCK), "table": "table12",
        "scale": "demo", "overrides": [], "baseline": next(iter(times)), "protocol": {"id": protocol},
        "hardware": {"id": hardware, "cpu": f"Processor {hardware}", "cores": 2, "gpu": None},
        "conditions": {}, "rounds": len(next(iter(times.values()))), "cells": cells, **changes,
    }  # fmt: skip


def comparisons(runs: Path, *sessions: dict[str, Any]) -> list[Comparison]:
    for session in sessions:
        write_session(session, runs)
    return load_speed(runs).comparisons
