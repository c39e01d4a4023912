"""What a command takes, and how that grows."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

LIMIT = 120  # seconds of processor time, after which a command is ended

# On Linux a process's ru_maxrss begins with the memory of the one that started it: a small one does.
STARTER = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([code, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000], file)
"""


@dataclass(frozen=True)
class Usage:
    """Of a process and of those that it waited for.

    Attributes:
        wall: seconds until its end.
        cpu: seconds of processor time, user's and system's; infinite where ``LIMIT`` ended it.
        peak: memory of the largest process, MB.
    """

    wall: float
    cpu: float
    peak: float


Series = Mapping[int, Usage]  # by size


def measure(command: Sequence[str], folder: Path) -> Usage:
    """Run ``command`` in ``folder``; what it prints goes to ``last.log`` there.

    Raises:
        subprocess.CalledProcessError: it fails, but not by ``LIMIT``.
    """
    start = time.perf_counter()
    usage = folder / "last.json"
    starter = [sys.executable, "-S", "-c", STARTER, str(usage), *command]
    with (folder / "last.log").open("wb") as log:
        subprocess.run(starter, cwd=folder, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_bounded, check=True)
    wall = time.perf_counter() - start
    code, cpu, peak = json.loads(usage.read_text())
    cut = code == -signal.SIGXCPU
    if code and not cut:
        raise subprocess.CalledProcessError(code, command, (folder / "last.log").read_bytes()[-1000:])
    return Usage(wall, math.inf if cut else cpu, peak)


def exponent(series: Series, value: Callable[[Usage], float]) -> float:
    """Slope of ``value`` over size between the two largest sizes, both logarithmic: 1 is linear, 2 quadratic.

    What every size pays, such as the start of Python, makes it smaller.
    """
    before, last = sorted(series)[-2:]
    return math.log(value(series[last]) / value(series[before])) / math.log(last / before)


def growth(rows: Mapping[str, Series]) -> str:
    """Markdown: processor seconds and peak memory by size, and the exponent of either where there are two sizes."""
    sizes = sorted({size for series in rows.values() for size in series})
    lines = [[name, *(_words(series.get(size)) for size in sizes), *_slopes(series)] for name, series in rows.items()]
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    header = ["processor s (wall s), MB", *(f"{size:,}" for size in sizes), "exponent: s", "MB"]
    return f"{tabulate(lines, header, tablefmt='github', disable_numparse=True)}\n\n{load}"


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 1))


def _words(usage: Usage | None) -> str:
    if usage is None:
        return ""
    cpu = f"{usage.cpu:.2f}" if math.isfinite(usage.cpu) else f"over {LIMIT}"
    return f"{cpu} ({usage.wall:.1f}), {usage.peak:.0f}"


def _slopes(series: Series) -> tuple[str, str]:
    if len(series) < 2:
        return "", ""
    return f"{exponent(series, lambda one: one.cpu):.2f}", f"{exponent(series, lambda one: one.peak):.2f}"
