"""What each cell is at each scale: Hydra composes the scale, a cell's own sections take the place of the scale's.

Hydra needs a tenth of a second for a config, and there are a hundred cells a scale. Tests hold both ways equal.
"""

from __future__ import annotations

import json
import math
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gfl_bench.config import compose
from gfl_bench.config.compat import check
from gfl_bench.config.identity import plain_values
from gfl_bench.config.schema import Config
from gfl_bench.sweep.extra import Extra
from gfl_bench.sweep.sections import CellError, by_groups, first_line, section_of
from gfl_bench.sweep.table import Cell

__all__ = ["CellError", "ComposedCells"]


@dataclass
class ComposedScale:
    """A scale with the default choice of everything else."""

    node: DictConfig  # interpolations not yet followed
    values: dict[str, Any]  # plain
    config: Config


@dataclass
class Sections:
    """Some groups of a cell."""

    values: dict[str, Any]  # plain
    parts: dict[str, Any]  # dataclasses of the schema


class ComposedCells:
    """Configs of cells by scale, each with what the command line adds to all of them."""

    def __init__(self, extra: Extra | None = None) -> None:
        self._extra = extra or Extra()
        self._scales: dict[str, ComposedScale] = {}
        self._known: dict[tuple[str, frozenset[str], str], Sections] = {}
        self._failures: dict[str, CellError] = {}

    def config(self, scale: str, cell: Cell | None = None) -> dict[str, Any]:
        """What ``scale=<scale> cell=<cell>`` runs, or the scale alone, as nested dicts of plain values.

        Raises:
            CellError: Hydra or the project's own rules refuse the scale, or the schema a value of the cell.
        """
        values = dict(self._scale(scale).values)
        for sections in self._sections_of(scale, cell):
            values |= sections.values
        return values

    def images(self, scale: str) -> float:
        """How many images ``scale`` trains on; infinite where it passes over its whole data.

        Raises:
            CellError: as ``config``.
        """
        config = self.config(scale)
        steps, schedule = config["scale"]["steps_per_epoch"], config["schedule"]
        return math.inf if steps is None else float(steps * schedule["epochs"] * schedule["batch_size"])

    def check(self, scale: str, cell: Cell) -> None:
        """Refuse a cell whose parts do not fit, as ``python -m gfl_bench.run`` would.

        Raises:
            CellError: the scale cannot be composed, or the schema refuses a value of the cell.
            ConfigError: its parts do not fit.
        """
        config = self._scale(scale).config
        for sections in self._sections_of(scale, cell):
            config = replace(config, **sections.parts)
        check(config)

    @property
    def failures(self) -> list[str]:
        """Why some scales could not be composed."""
        return [str(error) for error in self._failures.values()]

    def _sections_of(self, scale: str, cell: Cell | None) -> list[Sections]:
        overrides = {**({} if cell is None else cell.at_scale(scale).overrides), **self._extra.of_cell}
        try:
            return [self._sections(scale, groups, own) for groups, own in by_groups(overrides).items()]
        except OmegaConfBaseException as error:
            raise CellError(f"{error.full_key}: {first_line(error)}") from error

    def _sections(self, scale: str, groups: frozenset[str], overrides: dict[str, Any]) -> Sections:
        """``groups`` as ``overrides`` make them; many cells have the same."""
        key = scale, groups, json.dumps(overrides, sort_keys=True)
        if key not in self._known:
            base, cell = self._scale(scale), Cell("", overrides)
            sections = {group: section_of(base.node, scale, group, cell) for group in groups}
            of_scale = deepcopy(base.node["scale"])
            # All are copies already, and OmegaConf is slow at making more.
            context = OmegaConf.create({"scale": of_scale, **sections}, flags={"no_deepcopy_set_nodes": True})
            values, parts = plain_values(context), OmegaConf.to_object(context)
            assert isinstance(parts, dict)
            self._known[key] = Sections({name: values[name] for name in groups}, {name: parts[name] for name in groups})
        return self._known[key]

    def _scale(self, scale: str) -> ComposedScale:
        if scale in self._failures:
            raise self._failures[scale]
        if scale not in self._scales:
            self._scales[scale] = self._compose(scale)
        return self._scales[scale]

    def _compose(self, scale: str) -> ComposedScale:
        try:
            node = compose.compose_node([f"scale={scale}", *self._extra.of_run])
            return ComposedScale(node, plain_values(node), compose.resolve(node))
        except Exception as error:  # whatever Hydra raises is about this scale
            said = " ".join([f"scale={scale}", *self._extra.of_run])
            self._failures[scale] = CellError(f"{said} cannot be composed: {first_line(error)}")
            raise self._failures[scale] from error
