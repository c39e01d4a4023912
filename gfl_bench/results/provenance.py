"""Where a result comes from: code, packages, machine, command line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gfl_bench
from gfl_bench.cores import usable_cores

PACKAGES = (
    "torch", "torchvision", "hydra-core", "omegaconf", "pycocotools", "numpy", "pillow", "scipy",
    "submitit", "hydra-submitit-launcher",
)


def provenance() -> dict[str, Any]:
    """What a reader needs to judge or repeat a run, as plain values. Imports no package to ask for its version."""
    return {
        "gfl_bench": gfl_bench.__version__,
        "git": git_state(Path(gfl_bench.__file__).resolve().parent.parent),
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "hardware": hardware(),
        "command_line": list(sys.argv),
    }


def git_state(checkout: Path) -> dict[str, Any] | None:
    """``{"commit": ..., "dirty": ...}`` of a checkout; None where there is none, as for an installed wheel.

    A snapshot, as ``sweep submit`` takes it, has no history, and a note of what it was taken from.
    """
    with contextlib.suppress(OSError, ValueError):
        noted = json.loads((checkout / "git.json").read_bytes())
        return noted if isinstance(noted, dict) else None
    if not (checkout / ".git").exists():
        return None
    commit, changes = _git(checkout, "rev-parse", "HEAD"), _git(checkout, "status", "--porcelain")
    return None if commit is None or changes is None else {"commit": commit, "dirty": bool(changes)}


def hardware() -> dict[str, Any]:
    """Processor, cores that this process may use, and the GPUs' names if torch is imported already."""
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:8]  # tells machines apart without naming them
    return {"cpu": cpu_model(), "cores": usable_cores(), "gpus": _gpus(), "host": host}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git(checkout: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def cpu_model(described: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, with the numbers of its kind: virtual machines call several kinds "AMD EPYC"."""
    try:
        lines = described.read_text().splitlines()
    except OSError:
        lines = []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "model name" not in told:
        return platform.processor() or platform.machine()
    kind = ", ".join(f"{key.removeprefix('cpu ')} {told[key]}" for key in ("cpu family", "model") if key in told)
    return f"{told['model name']} ({kind})" if kind else told["model name"]


def _gpus() -> list[str]:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
