"""Which runs some tables come to, each once though several tables share it, and how far each of them is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.identity import run_name
from gfl_bench.config.paths import expand, sweeps_folder
from gfl_bench.config.schema import PathsConfig
from gfl_bench.results.reading import Unreadable
from gfl_bench.results.record import RunFolder
from gfl_bench.sweep.cells import CellError, ComposedCells
from gfl_bench.sweep.extra import read_extra, spell
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Cell, Table

FINISHED = ("done", "diverged")  # states that are results; every other is still to be run, or under way


class SelectionError(ValueError):
    """No such table or cell."""


@dataclass(frozen=True)
class Planned:
    """One run of a plan.

    Attributes:
        cell: the first cell of the plan that it is.
        tables: of the plan, those that it stands in.
        config: resolved, as nested dicts of plain values.
        folder: of its record, absolute; perhaps not there yet.
        state: ``absent`` (no record), ``done``, ``diverged``, ``running`` (with a fresh heartbeat), ``stale`` (it says
            running, but its heartbeat is old or its process gone), ``preempted`` or ``failed``.
        overrides: what follows ``python -m gfl_bench.run``.
        cells: all cells of the plan that it is.
    """

    cell: str
    seed: int
    tables: tuple[str, ...]
    config: Mapping[str, Any]
    folder: Path
    state: str
    overrides: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """What was asked for.

    Attributes:
        runs: in the order of the tables, in each the seeds first, so that what is stopped leaves whole tables.
        refused: (cell, reason) of what cannot be run.
    """

    runs: list[Planned]
    refused: list[tuple[str, str]]


def plan_runs(
    tables: Sequence[str] | None, scale: str, seeds: Sequence[int] | None, extra: Sequence[str], runs: Path
) -> Selection:
    """The runs of ``tables``.

    Args:
        tables: names of tables and of cells; None is every table.
        seeds: None is as many as each table asks for.
        extra: overrides of every cell, which win over the cell's own.
        runs: folder of the records.

    Raises:
        SelectionError: there is no such table or cell.
        ExtraError: an override that cannot be added to every cell.
    """
    added = read_extra(extra)
    place = () if str(runs) == PathsConfig.runs else (spell("paths.runs", str(runs)),)
    more = (f"scale={scale}", *added.given, *place)
    composed, records = ComposedCells(added), expand(str(runs))
    planned: dict[Path, Planned] = {}
    refused: dict[str, str] = {}
    for table, cells in chosen_cells(tables, load_tables(sweeps_folder())):
        fitting = list(_fitting(cells, scale, composed, refused))
        for seed, one in product(range(table.seeds) if seeds is None else seeds, fitting):
            folder = records / one.name / f"seed{seed}"
            if folder not in planned:
                planned[folder] = _planned(one, seed, folder, more)
            planned[folder] = _shared(planned[folder], table.name, one.cell.name)
    return Selection(list(planned.values()), list(refused.items()))


def chosen_cells(names: Sequence[str] | None, tables: Mapping[str, Table]) -> Iterator[tuple[Table, list[Cell]]]:
    """The tables that ``names`` name, each with those of its cells that are asked for; None is all of all.

    Raises:
        SelectionError: there is no such table or cell.
    """
    known = {cell.name: (table, cell) for table in tables.values() for cell in table.cells}
    for name in tables if names is None else names:
        if name in tables:
            yield tables[name], tables[name].cells
        elif name in known:
            yield known[name][0], [known[name][1]]
        else:
            close = difflib.get_close_matches(name, [*tables, *known], 3) or tables
            raise SelectionError(f"there is no table or cell {name}; there is {', '.join(close)}")


def state_of(folder: Path) -> str:
    """The state of the record in ``folder``, one of those of ``Planned``."""
    record = RunFolder(folder)
    result = record.result()
    if not isinstance(result, Unreadable):
        return str(result["state"])
    status = record.status()
    if isinstance(status, Unreadable):
        return "absent" if status.reason == "is missing" else "failed"
    if status.state == "running":
        return "running" if status.is_running() else "stale"
    return "failed" if status.state in FINISHED else status.state  # a result that cannot be read is none


@dataclass(frozen=True)
class _Fitting:
    """A cell that can be run, and the name of its folder."""

    cell: Cell
    config: dict[str, Any]
    name: str


def _fitting(
    cells: Sequence[Cell], scale: str, composed: ComposedCells, refused: dict[str, str]
) -> Iterator[_Fitting]:
    for cell in cells:
        try:
            composed.check(scale, cell)
            config = composed.config(scale, cell)
            yield _Fitting(cell, config, run_name(config))
        except (CellError, ConfigError) as error:
            refused[cell.name] = str(error)


def _planned(fitting: _Fitting, seed: int, folder: Path, more: Sequence[str]) -> Planned:
    cell, config = fitting.cell.name, fitting.config | {"seed": seed}
    return Planned(cell, seed, (), config, folder, state_of(folder), (f"cell={cell}", *more, f"seed={seed}"), ())


def _shared(planned: Planned, table: str, cell: str) -> Planned:
    """``planned``, which is also ``cell`` of ``table``."""
    tables, cells = {*planned.tables, table}, {*planned.cells, cell}
    return replace(planned, tables=tuple(sorted(tables)), cells=tuple(sorted(cells)))
