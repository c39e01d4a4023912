"""What two timings must share to be compared: how they were taken, and on what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import torch
from torch import nn

from gfl_bench.config.schema import Precision
from gfl_bench.engine.device import arithmetic
from gfl_bench.results.provenance import hardware
from gfl_bench.speed import turns

VERSION = 1  # of docs/speed_protocol.md: a new one where another stretch is timed, or in another way


@dataclass(frozen=True)
class Flags:
    """Switches that change how fast the same network is."""

    precision: str  # as ``arithmetic`` tells it
    channels_last: bool
    compiled: bool
    threads: int  # torch's, on the CPU
    cudnn_benchmark: bool
    float32: dict[str, str]  # arithmetic allowed for it, such as tf32
    deterministic: bool

    @classmethod
    def now(cls, detector: nn.Module, device: torch.device, precision: Precision, channels_last: bool) -> Flags:
        """As they stand in this process for a ``detector`` on ``device``."""
        backends: Any = torch.backends
        return cls(
            precision=arithmetic(device, precision),
            channels_last=channels_last,
            compiled=getattr(detector, "_compiled_call_impl", None) is not None,
            threads=torch.get_num_threads(),
            cudnn_benchmark=backends.cudnn.benchmark,
            float32={
                "convolutions": backends.cudnn.conv.fp32_precision,
                "products": backends.cuda.matmul.fp32_precision,
                "convolutions on the CPU": backends.mkldnn.conv.fp32_precision,
            },
            deterministic=torch.are_deterministic_algorithms_enabled(),
        )


@dataclass(frozen=True)
class Protocol:
    """How a timing was taken. Two of one ``id`` were taken alike."""

    interleaved: bool  # the cells took turns
    candidates: int | None  # scores of an image that pass the threshold; null: those that pass the configured one
    weights: str  # given, random or trained
    images: str  # ``digest`` of their ids and sizes, in their order
    flags: Flags
    version: int = VERSION
    warmup: dict[str, float] = field(
        default_factory=lambda: {
            "window": turns.WARMUP_WINDOW,
            "tolerance": turns.WARMUP_TOLERANCE,
            "limit": turns.WARMUP_LIMIT,
            "milliseconds": turns.WARMUP_MILLISECONDS,
        }
    )
    software: dict[str, str] = field(
        default_factory=lambda: {package: version(package) for package in ("torch", "torchvision")}
    )

    def to_dict(self) -> dict[str, Any]:
        """All fields and their ``id``, ready for JSON."""
        return {"id": digest(asdict(self)), **asdict(self)}


def machine(device: torch.device) -> dict[str, Any]:
    """What computes, and its ``id``: the processor, the cores of it that this process may use, and the GPU if used.

    Machines of the same parts have the same id. The operating system's name of the machine is no part of it, since
    containers have a new one each time.
    """
    host = hardware()
    parts = {"cpu": host["cpu"], "cores": host["cores"], "gpu": _gpu(device)}
    return {"id": digest(parts), **parts}


def _gpu(device: torch.device) -> dict[str, Any] | None:
    if device.type != "cuda":
        return None
    card = torch.cuda.get_device_properties(device)
    gigabytes = round(card.total_memory / 2**30)
    return {"name": card.name, "multiprocessors": card.multi_processor_count, "gigabytes": gigabytes}


def digest(values: dict[str, Any] | Sequence[Any]) -> str:
    """Ten hexadecimal digits, the same for the same values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]
