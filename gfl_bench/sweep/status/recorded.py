"""The runs that are there, whatever they were started as."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.identity import run_name
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.reading import Unreadable, read_config
from gfl_bench.results.result import read_result
from gfl_bench.sweep.cells import CellError, ComposedCells
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.selection import Planned, state_of
from gfl_bench.sweep.status.queued import Queue


def recorded(runs: Path, queue: Queue) -> list[Planned]:
    """Every run that has left something in ``runs`` or was submitted for it, in the order of their folders."""
    folders = {path for path in runs.glob("*--*/seed*") if path.is_dir()} | set(queue.tasks)
    return [_recorded(folder, queue) for folder in sorted(folders)]


def _recorded(folder: Path, queue: Queue) -> Planned:
    result = read_result(folder / "result.json")
    if isinstance(result, Unreadable):
        config, state = read_config(folder / "config.yaml") or {}, state_of(folder)
        known = queue.tasks[folder][0].cell if folder in queue.tasks else None
    else:
        config, state, known = result["config"], result["state"], result["cell"]
    cell = known or _cells_at(_scale(config)).get(folder.parent.name) or folder.parent.name
    digits = folder.name.removeprefix("seed")
    return Planned(cell, int(digits) if digits.isdecimal() else 0, (), config, folder, state, (), (cell,))


def _scale(config: Mapping[str, Any]) -> str:
    scale = config.get("scale")
    return str(scale.get("name", "")) if isinstance(scale, Mapping) else ""


@cache
def _cells_at(scale: str) -> dict[str, str]:
    """Cells by the names of their folders; none at a scale that there is not."""
    composed, found = ComposedCells(), dict[str, str]()
    for cell in (cell for table in load_tables(sweeps_folder()).values() for cell in table.cells):
        try:
            found.setdefault(run_name(composed.config(scale, cell)), cell.name)
        except (CellError, ConfigError):
            continue
    return found
