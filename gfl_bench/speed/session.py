"""A session: cells are warmed up, timed in turns, and leave one record."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import torch

from gfl_bench.config.schema import Config
from gfl_bench.engine.device import choose_device
from gfl_bench.engine.progress import progress_view
from gfl_bench.results.provenance import provenance
from gfl_bench.results.reading import SCHEMA
from gfl_bench.results.samples import speed_ratio, summarise
from gfl_bench.speed.build import build_cells, compose_cells, find_weights
from gfl_bench.speed.cell import TimedCell
from gfl_bench.speed.conditions import Watch
from gfl_bench.speed.options import Options
from gfl_bench.speed.protocol import Flags, Protocol, digest, machine
from gfl_bench.speed.stages import OF_AN_IMAGE, Stage
from gfl_bench.speed.turns import take_turns
from gfl_bench.sweep.table import Row

log = logging.getLogger(__name__)

Times = dict[tuple[Stage, str], list[float]]  # milliseconds of each round


def run_session(options: Options, rows: Mapping[str, Row], command: str) -> dict[str, Any]:
    """Time the cells ``rows``, the baseline first; returns the record, whose form ``speed_records`` reads.

    Raises:
        ValueError: of the kind that a run raises, and ``SpeedError``.
    """
    configs = compose_cells(options, rows)
    first = next(iter(configs.values()))
    device = _prepare_process(options, first)
    cells = build_cells(options, configs, find_weights(options, configs), device)
    watch = Watch(device)
    told = {name: _ready(name, cell, options) for name, cell in cells.items()}
    times = _time(cells, options)
    return {
        "schema": SCHEMA,
        "command": command,
        "time": time.time(),  # seconds since 1970
        "table": options.sweep,
        "scale": first.scale.name,
        "overrides": list(_of_networks(options)),
        "baseline": next(iter(rows)),
        "protocol": _protocol(options, cells).to_dict(),
        "hardware": machine(device),
        "conditions": watch.told(),
        "provenance": provenance(),
        "rounds": options.rounds,
        "cells": {name: {**told[name], "stages": _stages(name, rows, times)} for name in cells},
    }


def _prepare_process(options: Options, config: Config) -> torch.device:
    if config.machine.threads is not None:
        torch.set_num_threads(config.machine.threads)
    torch.backends.cudnn.benchmark = options.cudnn_benchmark
    return choose_device(config.machine.device)


def _ready(name: str, cell: TimedCell, options: Options) -> dict[str, Any]:
    """Set the thresholds and warm the cell up; what the record says of it."""
    post = cell.let_pass(options.candidates)
    passes = {stage.value: cell.warm_up(stage) for stage in _longest(options.stage)}
    log.info("%s: warm after %s passes; %.0f scores above the threshold", name, list(passes.values()), post.passing)
    return {
        "id": cell.id,
        "weights": None if cell.checkpoint is None else str(cell.checkpoint),
        "parameters": cell.parameters,
        "warmup": passes,
        "post_processing": asdict(post),
    }


def _longest(stages: Sequence[Stage]) -> list[Stage]:
    """Those that hold all others."""
    of_an_image = [stage for stage in OF_AN_IMAGE if stage in stages]
    return of_an_image[-1:] + [stage for stage in stages if stage not in OF_AN_IMAGE]


def _time(cells: Mapping[str, TimedCell], options: Options) -> Times:
    samples = {(stage, name): partial(cell.time, stage) for stage in options.stage for name, cell in cells.items()}
    with progress_view("timing", options.rounds) as progress:
        return take_turns(samples, options.rounds, told=progress.update)


def _stages(name: str, rows: Mapping[str, Row], times: Times) -> dict[str, Any]:
    """Samples of each stage, their summary, and the ratios to the baseline and to the row's own counterpart."""
    own = f"{name.partition('.')[0]}.{rows[name].against}"
    counterparts = [other for other in dict.fromkeys([next(iter(rows)), own]) if other in rows and other != name]
    return {
        stage.value: {
            **asdict(summarise(samples)),
            "ratios": {other: speed_ratio(samples, times[stage, other]).to_dict() for other in counterparts},
            "samples_ms": samples,
        }
        for (stage, timed), samples in times.items()
        if timed == name
    }


def _protocol(options: Options, cells: Mapping[str, TimedCell]) -> Protocol:
    """Of the baseline's flags and images; the options of a session are the same for all cells."""
    first = next(iter(cells.values()))
    timed = first.timed
    return Protocol(
        interleaved=True,
        candidates=options.candidates,
        weights="random" if first.checkpoint is None else "trained",
        images=digest(first.images.sizes),
        flags=Flags.now(timed.detector, timed.device, timed.precision, timed.channels_last),
    )


def _of_networks(options: Options) -> list[str]:
    """The overrides that say which networks are timed: not where records lie, nor what the flags tell."""
    return sorted(one for one in options.overrides if not one.startswith(("paths.", "machine.", "scale=")))
