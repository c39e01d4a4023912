"""All runs of a folder as one frame."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from gfl_bench.results.metrics import METRICS
from gfl_bench.results.reading import Unreadable
from gfl_bench.results.result import read_result
from gfl_bench.results.status import read_status

COLUMNS = (
    "path", "cell", "id", "seed", "scale", "state", "message", *METRICS, "diverged_step", "diverged_term", "hardware",
    "config",
)


@dataclass(frozen=True)
class Runs:
    """The runs below a folder.

    Attributes:
        frame: one row a run, ordered by path. Columns: ``COLUMNS``, then each leaf of the config by its dotted name.
            Metrics are NaN where not measured; ``config`` is the nested dict, None where nobody knows it.
        skipped: (path, reason) of what looks like a run and cannot be read.
    """

    frame: pd.DataFrame
    skipped: list[tuple[Path, str]]


def load_runs(folder: Path) -> Runs:
    """The runs in ``folder``; none where it does not exist."""
    rows, skipped = [], []
    for path in sorted(_run_folders(folder)):
        row = _row(Path(path))
        if isinstance(row, Unreadable):
            skipped.append((row.path, row.reason))
        else:
            rows.append(row)
    flat = [dict.fromkeys(COLUMNS) | flatten(row["config"] or {}) | row for row in rows]
    frame = pd.DataFrame(flat) if flat else pd.DataFrame(columns=list(COLUMNS))
    return Runs(frame.astype(dict.fromkeys(METRICS, "float64")), skipped)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of nested dicts by dotted name; a list is a leaf."""
    leaves: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            leaves |= flatten(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves


def _run_folders(folder: Path) -> Iterator[str]:
    """``<folder>/<name>--<id>/seed<k>``."""
    for run in _folders(folder):
        if "--" in os.path.basename(run):  # noqa: PTH119 - pathlib would double the time of a large folder
            yield from (seed for seed in _folders(run) if os.path.basename(seed).startswith("seed"))  # noqa: PTH119


def _folders(folder: Path | str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _row(path: Path) -> dict[str, Any] | Unreadable:
    result = read_result(path / "result.json")
    if not isinstance(result, Unreadable):
        return _finished_row(path, result)
    if result.reason != "is missing":
        return result
    status = read_status(path / "status.json")
    if isinstance(status, Unreadable):
        return status
    return _empty_row(path) | {"state": status.state, "message": status.message}


def _finished_row(path: Path, result: dict[str, Any]) -> dict[str, Any]:
    diverged = result["diverged"] or {}
    return {
        "path": str(path), "cell": result["cell"], "id": result["id"], "seed": result["seed"],
        "scale": result["scale"], "state": result["state"], "message": "",
        **{name: result["metrics"].get(name) for name in METRICS},
        "diverged_step": diverged.get("step"), "diverged_term": diverged.get("term"),
        "hardware": _machine(result.get("provenance")), "config": result["config"],
    }


def _empty_row(path: Path) -> dict[str, Any]:
    """What is known of a run without a result: its place, and the config that it began with."""
    config = _started_config(path / "config.yaml")
    scale = config.get("scale") if config else None
    return {
        "path": str(path), "id": path.parent.name.rpartition("--")[2], "seed": _seed_of(path), "config": config,
        "scale": scale.get("name") if isinstance(scale, Mapping) else None,
    }


def _started_config(path: Path) -> dict[str, Any] | None:
    try:
        config = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError, ValueError):
        return None
    return config if isinstance(config, dict) else None


def _seed_of(path: Path) -> int | None:
    digits = path.name.removeprefix("seed")
    return int(digits) if digits.isdecimal() else None


def _machine(provenance: Any) -> str | None:
    hardware = provenance.get("hardware") if isinstance(provenance, Mapping) else None
    if not isinstance(hardware, Mapping):
        return None
    gpus = hardware.get("gpus") or []
    return str(gpus[0]) if gpus else f"{hardware.get('cpu')}, {hardware.get('cores')} cores"
