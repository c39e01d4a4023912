"""The runs that a report misses, from the ``missing.json`` that it leaves (``analysis/tables/missing.py``)."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfl_bench.config.schema import PathsConfig
from gfl_bench.sweep.extra import ExtraError
from gfl_bench.sweep.selection import Planned, Selection, SelectionError, plan_runs

SCHEMA = 1
COMMAND = ["python", "-m", "gfl_bench.run", "-m"]
UNKNOWN = "checkpoint=FILE"  # the report cannot know which


@dataclass(frozen=True)
class Condition:
    """What the cells of one call of ``plan_runs`` share."""

    scale: str
    seeds: tuple[int, ...]
    extra: tuple[str, ...]
    runs: str


def missing_runs(path: Path) -> Selection:
    """What ``path`` says is missing.

    Raises:
        SelectionError: the file is no such list.
    """
    runs: dict[Path, Planned] = {}
    refused: dict[str, str] = {}
    for condition, cells in _by_condition(_items(path)).items():
        if UNKNOWN in condition.extra:
            refused |= dict.fromkeys(cells, "its checkpoint is not known; give it on the command line of gfl_bench.run")
            continue
        try:
            found = plan_runs(cells, condition.scale, condition.seeds, condition.extra, Path(condition.runs))
        except (SelectionError, ExtraError) as error:
            refused |= dict.fromkeys(cells, str(error))
            continue
        runs |= {run.folder: run for run in found.runs if run.folder not in runs}
        refused |= dict(found.refused)
    return Selection(list(runs.values()), list(refused.items()))


def folder_of_records(path: Path) -> str:
    """Where the records of the report lie, as it was told."""
    return str(_read(path).get("runs", PathsConfig.runs))


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise SelectionError(f"{path} cannot be read ({error.strerror}): analysis/make_tables.py writes it") from error
    except ValueError:
        values = None
    if not isinstance(values, dict) or values.get("schema") != SCHEMA or not isinstance(values.get("missing"), list):
        raise SelectionError(f"{path} is no missing.json of this version: make the report again")
    return values


def _items(path: Path) -> Iterator[Mapping[str, Any]]:
    """Those that have a command; the others need what gfl_bench lacks."""
    yield from (item for item in _read(path)["missing"] if isinstance(item, dict) and item.get("command"))


def _by_condition(items: Iterator[Mapping[str, Any]]) -> dict[Condition, list[str]]:
    """Names of cells: of a measurement the command alone says which checkpoint is measured."""
    found: dict[Condition, list[str]] = defaultdict(list)
    for item in items:
        words = shlex.split(item["command"])[len(COMMAND) :]
        said = dict(word.partition("=")[::2] for word in words)
        seeds = tuple(map(int, said.pop("seed").split(",")))
        cell, scale, runs = said.pop("cell"), said.pop("scale"), said.pop("paths.runs", PathsConfig.runs)
        extra = tuple(f"{key}={value}" for key, value in said.items())
        found[Condition(scale, seeds, extra, runs)].append(cell)
    return found
