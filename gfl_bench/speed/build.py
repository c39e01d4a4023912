"""From the options of a session to cells on the device."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch

from gfl_bench.config.compose import compose_config
from gfl_bench.config.paths import cache_folder
from gfl_bench.config.schema import Config
from gfl_bench.speed.cell import TimedCell, find_checkpoint
from gfl_bench.speed.error import SpeedError
from gfl_bench.speed.images import TimedImages, make_pictures
from gfl_bench.speed.options import Options
from gfl_bench.speed.stages import Stage
from gfl_bench.speed.training import first_batches
from gfl_bench.structures import Batch


def compose_cells(options: Options, names: Iterable[str]) -> dict[str, Config]:
    """The config of each cell by its name, with made pictures as its data where a size is given."""
    configs = {name: compose_config([f"cell={name}", *options.overrides]) for name in names}
    if options.size is None:
        return configs
    first = next(iter(configs.values()))
    pictures = make_pictures(cache_folder(first.paths.cache), options.size, min(options.images, options.rounds))
    return {name: compose_config([f"cell={name}", *options.overrides, *pictures]) for name in configs}


def find_weights(options: Options, configs: dict[str, Config]) -> dict[str, Path | None]:
    """Checkpoints of all cells, or None for each: trained and random weights are not compared with each other.

    Raises:
        SpeedError: trained weights are asked for, and a cell has no finished run.
    """
    if options.weights == "random":
        return dict.fromkeys(configs)
    found = {name: find_checkpoint(config) for name, config in configs.items()}
    missing = [name for name, path in found.items() if path is None]
    if missing and options.weights == "trained":
        runs = next(iter(configs.values())).paths.runs
        raise SpeedError(
            f"weights=trained, but {', '.join(missing)} left no checkpoint in paths.runs={runs}: "
            "train them first, or choose weights=random"
        )
    return dict.fromkeys(configs) if missing else found


def build_cells(
    options: Options, configs: dict[str, Config], weights: dict[str, Path | None], device: torch.device
) -> dict[str, TimedCell]:
    """All cells, on the device at once; those of the same data share their images."""
    images: dict[str, TimedImages] = {}
    batches: dict[str, list[Batch]] = {}
    cells = {}
    for name, config in configs.items():
        key = repr((config.data, config.schedule.batch_size, config.machine.channels_last))
        if key not in images:
            cache, count = cache_folder(config.paths.cache), min(options.images, options.rounds)
            images[key] = TimedImages(config.data, cache, count, device, config.machine.channels_last)
            batches[key] = first_batches(config, cache, device) if Stage.train in options.stage else []
        cells[name] = TimedCell(config, weights[name], images[key], batches[key], device)
        if options.compile:
            cells[name].compile()
    return cells
