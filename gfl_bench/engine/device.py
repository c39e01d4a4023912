"""Where a run computes and in which arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn

from gfl_bench.config.schema import Precision
from gfl_bench.engine.bfloat16 import RoundedConvolutions, has_units
from gfl_bench.engine.distributed import ALONE, World
from gfl_bench.results.provenance import hardware
from gfl_bench.structures import Batch


class DeviceError(ValueError):
    """The wanted device is not there."""


def choose_device(name: str, world: World = ALONE) -> torch.device:
    """Device of ``machine.device``: ``auto`` is the GPU where torch sees one, else the CPU.

    Of several processes each takes the GPU of its own rank on this machine, which becomes torch's current one.

    Raises:
        DeviceError: the name is none of auto, cpu, cuda and cuda:<n>, torch does not see that GPU, or several processes
            are to share it.
    """
    if world.size > 1 and name in ("auto", "cuda") and torch.cuda.is_available():
        torch.cuda.set_device(local_gpu(world.local_rank))
        return torch.device("cuda", torch.cuda.current_device())
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, _, index = name.partition(":")
    if kind != "cuda" or not (index or "0").isdecimal():
        raise DeviceError(f"machine.device={name} is not known: use auto, cpu, cuda or cuda:<number>")
    if world.size > 1 and index:
        raise DeviceError(f"machine.device={name} is one GPU for {world.size} processes: use auto, one for each")
    seen = torch.cuda.device_count()
    if int(index or 0) >= seen:
        raise DeviceError(f"machine.device={name} is wanted, but torch sees {seen} GPUs: use auto or cpu")
    return torch.device(name)


def local_gpu(local_rank: int) -> int:
    """Number of a process's GPU: a cluster may show each process all GPUs of its machine, or only its own."""
    return local_rank % torch.cuda.device_count()


def device_name(device: torch.device) -> str:
    """What a reader of a timing wants to know: the model of the GPU, or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return str(hardware()["cpu"])


@contextmanager
def autocast(device: torch.device, precision: Precision) -> Iterator[None]:
    """Context of the forward pass. bfloat16 has float32's range, so that no gradient needs scaling."""
    convolutions = RoundedConvolutions() if _is_rounded(device, precision) else nullcontext()
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision is Precision.bf16), convolutions:
        yield


def arithmetic(device: torch.device, precision: Precision) -> str:
    """What a reader of a timing wants to know: how ``precision`` is computed there."""
    return f"{precision.value}, convolutions in float32" if _is_rounded(device, precision) else precision.value


def _is_rounded(device: torch.device, precision: Precision) -> bool:
    return precision is Precision.bf16 and device.type == "cpu" and not has_units()


def place(detector: nn.Module, device: torch.device, channels_last: bool) -> None:
    """Move ``detector`` to ``device``, its convolution weights in the memory order asked for."""
    detector.to(device=device)
    if channels_last:
        detector.to(memory_format=torch.channels_last)


def move(batch: Batch, device: torch.device, channels_last: bool) -> Batch:
    """``batch`` on ``device``, its images in the memory order asked for."""
    moved = batch.to(device)
    if channels_last:
        moved.images = _channels_last(moved.images)
    return moved


def peak_memory(device: torch.device) -> dict[str, int]:
    """Peak bytes of this process on the host, and on the GPU where one is used."""
    peak = {"host": _host_peak()}
    if device.type == "cuda":
        peak["gpu"] = torch.cuda.max_memory_allocated(device)
    return peak


def _host_peak() -> int:
    status = Path("/proc/self/status")
    if status.exists():  # not ru_maxrss, which begins with the memory of the process that started this one
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)
