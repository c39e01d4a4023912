"""A session with ncnn: each cell in its turn in a process of its own, one thread, as an application would run it.

A process that starts unluckily placed in memory stays slow, so that passes within one process are not independent: a
round is a process of each cell, and its sample the median over the passes of that process.

The clock is processor time. One thread that is alone takes as much by the wall; where others work too, the wall's time
is mostly that of waiting for them, in slices that may be longer than a pass. It is kept as well.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch

from gfl_bench.config.identity import run_id
from gfl_bench.engine.progress import progress_view
from gfl_bench.engine.trained import load_trained
from gfl_bench.export.check import compare
from gfl_bench.export.formats import Exported, export
from gfl_bench.export.input_size import input_size
from gfl_bench.export.network import Network
from gfl_bench.results.provenance import provenance
from gfl_bench.results.reading import SCHEMA
from gfl_bench.results.samples import speed_ratio, summarise
from gfl_bench.speed.conditions import Watch
from gfl_bench.speed.error import SpeedError
from gfl_bench.speed.options import Options
from gfl_bench.speed.protocol import digest, machine
from gfl_bench.speed.sizes import count_parameters
from gfl_bench.sweep.table import Row

log = logging.getLogger(__name__)

VERSION = 1  # a new one where another stretch is timed, or in another way
WARMUP = 10  # passes of each process
STAGE = "ncnn"
CLOCK = "processor"

Passes = dict[str, list[dict[str, list[float]]]]  # of each cell, of each process, by clock: milliseconds of each pass


@dataclass(frozen=True)
class NcnnCell:
    """A cell's network as ncnn's files, with random weights: what they are does not change the time."""

    id: str
    parameters: int
    exported: Exported
    size: tuple[int, int]
    outputs: int

    def passes(self, count: int) -> dict[str, list[float]]:
        """Milliseconds of ``count`` passes in a new process, after its warm-up, by clock.

        Raises:
            SpeedError: the process failed.
        """
        numbers = map(str, [*self.size, self.outputs, WARMUP, count])
        command = [sys.executable, "-m", "gfl_bench.export.passes", *map(str, self.exported.files), *numbers]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SpeedError(f"a process that timed ncnn ended with code {done.returncode}: {done.stderr.strip()}")
        times: dict[str, list[float]] = json.loads(done.stdout)
        return times

    def told(self) -> dict[str, Any]:
        """What the record says beside the times."""
        return {
            "id": self.id, "weights": None, "parameters": self.parameters, "warmup": WARMUP,
            "size_mb": self.exported.size_mb, "input": list(self.size),
        }  # fmt: skip


def run_ncnn_session(options: Options, rows: Mapping[str, Row], command: str) -> dict[str, Any]:
    """Time the networks of the cells ``rows``, the baseline first; returns a record as ``run_session`` does.

    Raises:
        ValueError: of the kind that a run raises, ``SpeedError``, and ``ExportError``.
    """
    with tempfile.TemporaryDirectory() as folder:
        cells = {name: _cell(name, options, Path(folder)) for name in rows}
        watch = Watch(torch.device("cpu"))
        passes = _time(cells, options)
        conditions = watch.told()
        told = {name: cell.told() for name, cell in cells.items()}
    return {
        "schema": SCHEMA,
        "command": command,
        "time": time.time(),  # seconds since 1970
        "table": options.sweep,
        "scale": _scale(options),
        "overrides": sorted(one for one in options.overrides if not one.startswith(("paths.", "machine.", "scale="))),
        "baseline": next(iter(rows)),
        "protocol": _protocol(options),
        "hardware": machine(torch.device("cpu")),
        "conditions": conditions,
        "provenance": provenance(),
        "rounds": options.rounds,
        "cells": {name: {**told[name], "stages": {STAGE: _stage(name, rows, passes)}} for name in cells},
    }


def _cell(name: str, options: Options, folder: Path) -> NcnnCell:
    trained = load_trained([f"cell={name}", *options.overrides])
    size = options.size or input_size(trained.config.data)
    network, images = Network(trained.detector), torch.zeros(1, 3, *size)
    outputs = list(network.said(images))
    exported = export("ncnn", network, images, folder / name, outputs, threads=1)
    difference = compare(network, exported.runtime, size)
    log.info("%s: exported, differs from PyTorch by at most %s", name, difference)
    if difference.exceeds(exported.limit):
        raise SpeedError(f"{name}: what ncnn computes differs from PyTorch by {difference}, beyond {exported.limit}")
    return NcnnCell(run_id(trained.config), count_parameters(trained.detector), exported, size, len(outputs))


def _time(cells: Mapping[str, NcnnCell], options: Options) -> Passes:
    """A process of each cell in turn: A B C A B C."""
    times: Passes = {name: [] for name in cells}
    with progress_view("timing", options.rounds) as progress:
        for number in range(options.rounds):
            for name, cell in cells.items():
                times[name].append(cell.passes(options.passes))
            progress.update(number + 1)
    return times


def _stage(name: str, rows: Mapping[str, Row], passes: Passes) -> dict[str, Any]:
    """Each process's median as its sample, all passes, the summary, and the ratios to baseline and counterpart."""
    samples = {cell: [median(times[CLOCK]) for times in processes] for cell, processes in passes.items()}
    own = f"{name.partition('.')[0]}.{rows[name].against}"
    counterparts = [other for other in dict.fromkeys([next(iter(rows)), own]) if other in rows and other != name]
    return {
        **asdict(summarise(samples[name])),
        "ratios": {other: speed_ratio(samples[name], samples[other]).to_dict() for other in counterparts},
        "samples_ms": samples[name],
        "wall_median_ms": median(time for times in passes[name] for time in times["wall"]),
        "passes_ms": passes[name],
    }


def _protocol(options: Options) -> dict[str, Any]:
    """What changes a time, and its id."""
    values = {
        "runtime": "ncnn",
        "clock": CLOCK,
        "interleaved": True,
        "processes": "a new one for each sample",
        "passes": options.passes,
        "warmup": {"passes": WARMUP},
        "weights": "random",
        "flags": {"precision": "fp32", "threads": 1},
        "version": VERSION,
        "software": {package: version(package) for package in ("ncnn", "pnnx")},
    }
    return {"id": digest(values), **values}


def _scale(options: Options) -> str:
    from gfl_bench.config.compose import compose_config

    return compose_config(list(options.overrides)).scale.name
