"""What else went on while the clock ran: clock frequencies, and the work of others."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

CPUS = Path("/sys/devices/system/cpu")
PROC = Path("/proc")
GPU_FIELDS = (
    "clocks.sm", "clocks.max.sm", "clocks.mem", "temperature.gpu", "power.draw", "power.limit", "utilization.gpu",
    "clocks_throttle_reasons.active",
)  # fmt: skip


class Watch:
    """The machine between its construction and ``told``."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._clocks = clocks(device)
        self._average = os.getloadavg()
        self._wall, self._own, self._all = time.perf_counter(), own_seconds(), busy_seconds()

    def told(self) -> dict[str, Any]:
        """Clocks and load at both ends, and shares of all processors' time: this process's with those that it
        waited for, and all others'.

        The others' is null where the system does not tell.
        """
        capacity = (time.perf_counter() - self._wall) * (os.cpu_count() or 1)
        own = own_seconds() - self._own
        busy = busy_seconds()
        others = None if busy is None or self._all is None else max(busy - self._all - own, 0.0)
        return {
            "clocks": {"before": self._clocks, "after": clocks(self._device)},
            "load": {
                "average_before": list(self._average), "average_after": list(os.getloadavg()),
                "own_share": own / capacity, "others_share": None if others is None else others / capacity,
            },
        }  # fmt: skip


def clocks(device: torch.device) -> dict[str, Any]:
    """Frequencies in MHz now, the processor's governors, and what nvidia-smi says of the GPU if it is used."""
    return {
        "governors": sorted(set(_each_cpu("scaling_governor"))),
        "cpu_mhz": [int(text) / 1000 for text in _each_cpu("scaling_cur_freq")] or _cpuinfo_mhz(),
        "gpu": _gpu(device),
    }


def own_seconds() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def busy_seconds() -> float | None:
    """Seconds that all processors together have worked since the start; those that a host took away count."""
    try:
        first = (PROC / "stat").read_text().splitlines()[0]
        user, nice, system, _, _, irq, softirq, steal, *_ = map(int, first.split()[1:])
    except (OSError, ValueError, IndexError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _each_cpu(name: str) -> list[str]:
    """What each processor that lets its frequency be read has in the file ``name``."""
    try:
        return [path.read_text().strip() for path in sorted(CPUS.glob(f"cpu[0-9]*/cpufreq/{name}"))]
    except OSError:
        return []


def _cpuinfo_mhz() -> list[float]:
    try:
        text = (PROC / "cpuinfo").read_text()
    except OSError:
        return []
    return [float(found) for found in re.findall(r"^cpu MHz\s*:\s*([\d.]+)$", text, re.MULTILINE)]


def _gpu(device: torch.device) -> dict[str, str] | None:
    """Values of ``GPU_FIELDS`` as nvidia-smi prints them; None without a GPU, or where it says nothing."""
    if device.type != "cuda":
        return None
    card = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
    asked = ["nvidia-smi", f"--id={card}", f"--query-gpu={','.join(GPU_FIELDS)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    values = done.stdout.strip().split(", ")
    return dict(zip(GPU_FIELDS, values, strict=True)) if len(values) == len(GPU_FIELDS) else None
