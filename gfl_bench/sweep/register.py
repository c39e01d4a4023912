"""Rows and tables as Hydra options: ``cell=table05.beta2`` and ``sweep=table05``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hydra.core.config_store import ConfigStore

from gfl_bench.sweep.table import Cell, Table


def register(tables: Mapping[str, Table]) -> None:
    """Make each row an option of the group ``cell``, and each table with such rows one of ``sweep``.

    A table sets the sweeper's parameters, which the command line overrides by name: ``-m sweep=table05 seed=7``.
    """
    store = ConfigStore.instance()
    for table in tables.values():
        for cell in table.cells:
            store.store(group="cell", name=cell.name, node=cell_node(cell), package="_global_")
        if table.cells:
            store.store(group="sweep", name=table.name, node=sweep_node(table), package="_global_")


def cell_node(cell: Cell) -> dict[str, Any]:
    """The option file that the cell would be, with package ``_global_``."""
    node: dict[str, Any] = {"defaults": [{f"override /{group}": option} for group, option in cell.choices.items()]}
    for key, value in cell.values.items():
        *sections, leaf = key.split(".")
        place = node
        for section in sections:
            place = place.setdefault(section, {})
        place[leaf] = value
    return node


def sweep_node(table: Table) -> dict[str, Any]:
    """The option file that the sweep would be, with package ``_global_``.

    Seeds come first, so that a sweep that is stopped leaves whole tables of fewer seeds.
    """
    seeds = ",".join(map(str, range(table.seeds)))
    return {"hydra": {"sweeper": {"params": {"seed": seeds, "cell": ",".join(cell.name for cell in table.cells)}}}}
