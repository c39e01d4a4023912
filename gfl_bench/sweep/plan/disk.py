"""Bytes that a run leaves."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from gfl_bench.sweep.plan.measured import Measured, work_of
from gfl_bench.sweep.plan.networks import network_of
from gfl_bench.sweep.selection import Planned

CHECKPOINT = 8  # bytes a parameter: weights and momentum, float32


class Disk:
    """Sizes after the finished runs."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self._sizes: dict[tuple[str, str], list[int]] = {}
        self._others: dict[str, list[int]] = {}  # by scale: what is left beside the checkpoint
        for one in measured:
            scale, network = one.config["scale"]["name"], network_of(one.config)
            self._sizes.setdefault((scale, one.work), []).append(one.size)
            if network is not None:
                self._others.setdefault(scale, []).append(max(0, one.size - CHECKPOINT * network.parameters))

    def of(self, planned: Planned) -> float | None:
        """Bytes of the run's folder: of runs of its cell, else by its parameters; None where nobody knows those.

        Where no run of its scale is finished, of the checkpoint alone.
        """
        scale, network = planned.config["scale"]["name"], network_of(planned.config)
        own = self._sizes.get((scale, work_of(planned.config)))
        if own:
            return fmean(own)
        return None if network is None else CHECKPOINT * network.parameters + fmean(self._others.get(scale, [0]))


def free(folder: Path) -> int:
    """Bytes left where ``folder`` is or would be made."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def in_words(size: float) -> str:
    """``1.5 GB``."""
    units = ("B", "kB", "MB", "GB", "TB")
    power = next((power for power in range(len(units) - 1) if size < 1000 ** (power + 1)), len(units) - 1)
    return f"{size / 1000**power:.3g} {units[power]}"
