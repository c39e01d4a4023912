"""What each row is at each scale: Hydra composes the scale, a row's own sections take the place of the scale's.

Hydra needs a tenth of a second for a config, and there are fifty rows a scale. A test holds both ways equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gfl_bench.config import compose
from gfl_bench.config.identity import plain_values
from gfl_bench.config.options import fill_option
from gfl_bench.config.paths import conf_folder
from gfl_bench.sweep.table import Cell


class CellError(ValueError):
    """A scale that cannot be composed."""


LINKED = frozenset({"detector", "data", "neck"})  # groups whose interpolations point at each other, and at the scale


@dataclass
class ComposedScale:
    """A scale with the default choice of everything else."""

    raw: dict[str, Any]  # interpolations not yet followed
    values: dict[str, Any]  # plain


class ComposedCells:
    """Configs of cells by scale, as nested dicts of plain values."""

    def __init__(self) -> None:
        self._scales: dict[str, ComposedScale] = {}
        self._known: dict[tuple[str, frozenset[str], str], dict[str, Any]] = {}
        self._failures: dict[str, CellError] = {}

    def config(self, scale: str, cell: Cell | None = None) -> dict[str, Any]:
        """What ``scale=<scale> cell=<cell>`` runs, or the scale alone.

        Raises:
            CellError: Hydra or the project's own rules refuse the scale.
        """
        base = self._scale(scale)
        values = dict(base.values)
        for groups, overrides in _by_groups({} if cell is None else cell.overrides).items():
            values |= self._sections(scale, groups, overrides)
        return values

    def _sections(self, scale: str, groups: frozenset[str], overrides: dict[str, Any]) -> dict[str, Any]:
        """``groups`` as ``overrides`` make them, plain; many cells have the same."""
        key = scale, groups, json.dumps(overrides, sort_keys=True)
        if key not in self._known:
            base, cell = self._scale(scale), Cell("", overrides)
            context = {"scale": base.raw["scale"]} | {group: _section(base.raw, scale, group, cell) for group in groups}
            values = plain_values(OmegaConf.create(context))
            self._known[key] = {group: values[group] for group in groups}
        return self._known[key]

    @property
    def failures(self) -> list[str]:
        """Why some could not be composed."""
        return [str(error) for error in self._failures.values()]

    def _scale(self, scale: str) -> ComposedScale:
        if scale in self._failures:
            raise self._failures[scale]
        if scale not in self._scales:
            self._scales[scale] = self._compose(scale)
        return self._scales[scale]

    def _compose(self, scale: str) -> ComposedScale:
        try:
            composed = compose.compose_node([f"scale={scale}"])
            compose.resolve(composed)
        except Exception as error:  # whatever Hydra raises is about this scale
            first = str(error).strip().splitlines() or [type(error).__name__]
            self._failures[scale] = CellError(f"scale={scale} cannot be composed: {first[0]}")
            raise self._failures[scale] from error
        raw = OmegaConf.to_container(composed, enum_to_str=True)
        assert isinstance(raw, dict)
        return ComposedScale({str(key): value for key, value in raw.items()}, plain_values(composed))


def _by_groups(overrides: Mapping[str, Any]) -> dict[frozenset[str], dict[str, Any]]:
    """The overrides of each group that they change, those of ``LINKED`` groups together."""
    found: dict[frozenset[str], dict[str, Any]] = {}
    for key, value in overrides.items():
        group = key.partition(".")[0]
        found.setdefault(LINKED if group in LINKED else frozenset({group}), {})[key] = value
    return found


def _section(base: dict[str, Any], scale: str, group: str, cell: Cell) -> Any:
    """One group of a cell: the option's file, over it what the scale says of the group, over that the cell's values."""
    choice = cell.choices.get(group)
    section = OmegaConf.create(base[group]) if choice is None else deepcopy(_option_at(scale, group, choice))
    for key, value in cell.values.items():
        if key.startswith(f"{group}."):
            OmegaConf.update(section, key.removeprefix(f"{group}."), value)
    return section


@cache
def _option_at(scale: str, group: str, choice: str) -> DictConfig:
    section = OmegaConf.merge(fill_option(group, choice), _scale_values(scale).get(group, {}))
    assert isinstance(section, DictConfig)
    return section


@cache
def _scale_values(scale: str) -> DictConfig:
    values = OmegaConf.load(conf_folder() / "scale" / f"{scale}.yaml")
    assert isinstance(values, DictConfig)
    return values
