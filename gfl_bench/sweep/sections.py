"""The groups of a cell: which of them it changes, and what they become."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gfl_bench.config.options import fill_option
from gfl_bench.config.paths import conf_folder
from gfl_bench.sweep.table import Cell

LINKED = frozenset({"detector", "data", "neck"})  # groups whose interpolations point at each other, and at the scale

_filled = cache(fill_option)  # many scales and cells choose the same


class CellError(ValueError):
    """A scale or a cell that cannot be composed."""


def by_groups(overrides: Mapping[str, Any]) -> dict[frozenset[str], dict[str, Any]]:
    """The overrides of each group that they change, those of ``LINKED`` groups together."""
    found: dict[frozenset[str], dict[str, Any]] = {}
    for key, value in overrides.items():
        group = key.partition(".")[0]
        found.setdefault(LINKED if group in LINKED else frozenset({group}), {})[key] = value
    return found


def section_of(base: DictConfig, scale: str, group: str, cell: Cell) -> Any:
    """One group of a cell: the option's file, over it what the scale says of the group, over that the cell's values.

    Args:
        base: the scale with the default choice of everything else.

    Raises:
        CellError: there is no such option, or it has no such value.
    """
    choice = cell.choices.get(group)
    section = deepcopy(base[group] if choice is None else _option_at(scale, group, choice))
    for key, value in cell.values.items():
        if key.startswith(f"{group}."):
            _update(section, group, key.removeprefix(f"{group}."), value)
    return section


def _update(section: DictConfig, group: str, key: str, value: Any) -> None:
    try:
        OmegaConf.update(section, key, value)
    except OmegaConfBaseException as error:
        option = f"{group}={section.get('name')}"
        raise CellError(f"{group}.{key}={value} does not fit {option}: {first_line(error)}") from error


@cache
def _option_at(scale: str, group: str, choice: str) -> DictConfig:
    if not (conf_folder() / group / f"{choice}.yaml").is_file():
        known = sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))
        raise CellError(f"{group}={choice} is no option; there are {', '.join(known)}")
    section = OmegaConf.merge(_filled(group, choice), _scale_values(scale).get(group, {}))
    assert isinstance(section, DictConfig)
    return section


@cache
def _scale_values(scale: str) -> DictConfig:
    values = OmegaConf.load(conf_folder() / "scale" / f"{scale}.yaml")
    assert isinstance(values, DictConfig)
    return values


def first_line(error: Exception) -> str:
    """What it says, or at least what it is."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
