"""Rows and tables as Hydra options: ``cell=table05.beta2`` and ``sweep=table05``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from gfl_bench.config.paths import conf_folder
from gfl_bench.sweep.table import Cell, Table


def register(tables: Mapping[str, Table]) -> None:
    """Make each row an option of the group ``cell``, and each table with such rows one of ``sweep``.

    Where a cell has other options at some scales, ``<cell>_<scale>`` is the name of its option at each scale.

    A table sets the sweeper's parameters, which the command line overrides by name: ``-m sweep=table05 seed=7``.
    """
    store = ConfigStore.instance()
    for table in tables.values():
        for cell in table.cells:
            for group, scale, option in _options_by_scale(cell):
                store.store(group=group, name=f"{cell.name}_{scale}", node={"defaults": [option]})
            store.store(group="cell", name=cell.name, node=cell_node(cell), package="_global_")
        if table.cells:
            store.store(group="sweep", name=table.name, node=sweep_node(table), package="_global_")


def cell_node(cell: Cell) -> dict[str, Any]:
    """The option file that the cell would be, with package ``_global_``."""
    by_scale = {group: f"{cell.name}_${{scale}}" for choices in cell.at.values() for group in choices}
    chosen = {**cell.choices, **by_scale}
    node: dict[str, Any] = {"defaults": [{f"override /{group}": option} for group, option in chosen.items()]}
    for key, value in cell.values.items():
        *sections, leaf = key.split(".")
        place = node
        for section in sections:
            place = place.setdefault(section, {})
        place[leaf] = value
    return node


def _options_by_scale(cell: Cell) -> Iterator[tuple[str, str, str]]:
    """Group, scale and option of all that ``cell.at`` names at some scale."""
    for group in dict.fromkeys(group for choices in cell.at.values() for group in choices):
        for path in (conf_folder() / "scale").glob("*.yaml"):
            said = cell.at_scale(path.stem).choices.get(group)
            usual = _default(path, f"override /{group}") or _default(conf_folder() / "config.yaml", group)
            yield group, path.stem, said or usual


@cache
def _default(path: Path, key: str) -> Any:
    """What the defaults of the option file ``path`` choose, or None."""
    entries = OmegaConf.load(path).defaults
    return next((entry[key] for entry in entries if isinstance(entry, Mapping) and key in entry), None)


def sweep_node(table: Table) -> dict[str, Any]:
    """The option file that the sweep would be, with package ``_global_``.

    Seeds come first, so that a sweep that is stopped leaves whole tables of fewer seeds.
    """
    seeds = ",".join(map(str, range(table.seeds)))
    return {"hydra": {"sweeper": {"params": {"seed": seeds, "cell": ",".join(cell.name for cell in table.cells)}}}}
