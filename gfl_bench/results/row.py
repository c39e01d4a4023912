"""One run as a row: what its result says or, where it left none, how far it came."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gfl_bench.results.metrics import METRICS
from gfl_bench.results.reading import Unreadable, read_config
from gfl_bench.results.result import read_result
from gfl_bench.results.status import Status, read_status

FIELDS = (
    "cell", "id", "seed", "scale", "state", "message", *METRICS, "diverged_step", "diverged_term", "hardware",
)

Row = tuple[tuple[Any, ...], dict[str, Any] | None]  # values of FIELDS; the config, None where nobody knows it


def read_row(path: Path) -> Row | Unreadable:
    """The run in the folder ``path``, or which of its files cannot be read and why."""
    result = read_result(path / "result.json")
    if not isinstance(result, Unreadable):
        return _finished(path, result)
    if result.reason != "is missing":
        return result
    status = read_status(path / "status.json")
    if isinstance(status, Unreadable):
        return status
    return _unfinished(path, status)


def _finished(path: Path, result: dict[str, Any]) -> Row | Unreadable:
    metrics = {name: _finite(result["metrics"].get(name)) for name in METRICS}
    diverged = result["diverged"] or {}
    step, term = diverged.get("step"), diverged.get("term")
    if math.inf in metrics.values():
        return Unreadable(path / "result.json", "has a metric that is not a finite number")
    if result["state"] == "diverged" and not (isinstance(step, int) and isinstance(term, str)):
        return Unreadable(path / "result.json", "does not say at which step and in which term it diverged")
    about = {name: result[name] for name in ("cell", "id", "seed", "scale", "state")}
    fields = {
        **about, "message": "", **metrics, "diverged_step": step, "diverged_term": term,
        "hardware": _machine(result.get("provenance")),
    }  # fmt: skip
    return tuple(fields[name] for name in FIELDS), result["config"]


def _unfinished(path: Path, status: Status) -> Row:
    """What is known of a run without a result: its place, how far it came, and the config that it began with."""
    config = read_config(path / "config.yaml")
    scale = config.get("scale") if config else None
    name = scale.get("name") if isinstance(scale, Mapping) else None
    digits = path.name.removeprefix("seed")
    fields = {
        "id": path.parent.name.rpartition("--")[2], "seed": int(digits) if digits.isdecimal() else None,
        "scale": name if isinstance(name, str) else None,
        "state": status.state, "message": status.message,
    }  # fmt: skip
    return tuple(fields.get(name) for name in FIELDS), config


def _finite(value: float | None) -> float | None:
    """``value`` as a float; infinity for what is none, such as NaN or a number of 400 digits."""
    try:
        return value if value is None or math.isfinite(value) else math.inf
    except OverflowError:
        return math.inf


def _machine(provenance: Any) -> str | None:
    hardware = provenance.get("hardware") if isinstance(provenance, Mapping) else None
    if not isinstance(hardware, Mapping):
        return None
    gpus = hardware.get("gpus")
    return str(gpus[0]) if isinstance(gpus, list) and gpus else f"{hardware.get('cpu')}, {hardware.get('cores')} cores"
