"""What a run left, and whether it is what another one left."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gfl_bench.results.metrics import METRICS
from gfl_bench.results.record import RunFolder

TIMED = [name for name, metric in METRICS.items() if metric.of_machine]


@dataclass(frozen=True)
class Left:
    """Of one run: a digest of each part of its checkpoint, its metrics without the timed ones, its files' digests."""

    is_done: bool
    result: str = ""
    parts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Left:
        """What the one run below ``folder`` left."""
        path = next(folder.glob("*/seed0"), None)
        result = RunFolder(path).result() if path else None
        if path is None or not isinstance(result, dict):
            return cls(False)
        state = torch.load(path / "checkpoint.pt", weights_only=True)
        return cls(True, _digest((path / "result.json").read_bytes()), {
            "weights": _digest_of(state["model"]),
            "optimizer": _digest_of(state["optimizer"]),
            "random state": _digest_of(state["random"]),
            "metrics": {name: value for name, value in result["metrics"].items() if name not in TIMED},
            "detections": _digest((path / "detections.json.gz").read_bytes()),
        })  # fmt: skip


def differences(one: Left, other: Left) -> list[str]:
    """The parts in which they differ."""
    return [name for name in other.parts if one.parts.get(name) != other.parts[name]]


def _digest_of(value: Any) -> str:
    return _digest(json.dumps(_plain(value), sort_keys=True).encode())


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return [list(value.shape), str(value.dtype), _digest(value.contiguous().numpy().tobytes())]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
