"""From overrides to a checked config, by Hydra."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from functools import cache
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from gfl_bench.config.compat import ConfigError, check
from gfl_bench.config.identity import plain
from gfl_bench.config.options import register_schema
from gfl_bench.config.paths import conf_folder, sweeps_folder
from gfl_bench.config.rules import RULES, Rule
from gfl_bench.config.schema import Config
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.register import register
from gfl_bench.sweep.table import Table


@cache
def register_options() -> dict[str, Table]:
    """Make the dataclasses, the cells and the sweeps known to Hydra; returns the tables."""
    tables = load_tables(sweeps_folder())
    register_schema()
    register(tables)
    # Hydra copies its whole store at each composition, a third of its time, and then once more what it takes from it.
    store = ConfigStore.instance()
    setattr(store, "__deepcopy__", lambda _: store)  # noqa: B010
    return tables


def resolve(composed: DictConfig, rules: Iterable[Rule] = RULES) -> Config:
    """The composed config as dataclasses, checked.

    Raises ``ConfigError`` where a value is missing or parts do not fit.
    """
    try:
        config = OmegaConf.to_object(composed)
    except (MissingMandatoryValue, OmegaConfBaseException) as error:
        raise ConfigError(f"{error.full_key}: {error.msg or error}; set it on the command line") from error
    assert isinstance(config, Config)
    check(config, rules)
    return config


def compose_node(overrides: list[str]) -> DictConfig:
    """What Hydra makes of ``python -m gfl_bench.run *overrides``; not checked, interpolations not followed yet."""
    return deepcopy(_composed(tuple(overrides)))


@cache
def _composed(overrides: tuple[str, ...]) -> DictConfig:
    register_options()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return hydra_compose("config", overrides=list(overrides))


def compose_config(overrides: list[str]) -> Config:
    """The checked config that ``python -m gfl_bench.run *overrides`` would run."""
    return resolve(_composed(tuple(overrides)))


def compose(overrides: list[str]) -> dict[str, Any]:
    """``compose_config`` as nested dicts of plain values."""
    return plain(compose_config(overrides))
