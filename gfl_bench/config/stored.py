"""The config of a run that is there: its ``config.yaml`` as dataclasses, with overrides on top."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import resolve
from gfl_bench.config.options import OPTIONS, fill_option
from gfl_bench.config.paths import conf_folder
from gfl_bench.config.rules import FITTING
from gfl_bench.config.schema import Config

GROUPS = {path.partition("/")[0] for path in OPTIONS}
OF_NEW_RUNS = ("cell", "sweep", "scale")  # what chooses many options at once


def stored_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """The checked config in ``path``, a run's ``config.yaml``, changed by ``overrides`` as a command line has them.

    An option that this version added since has its default.

    Raises:
        ConfigError: the file is no such config, or an override does not fit it.
        HydraException: an override cannot be read.
    """
    node = _read(path)
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        _change(node, override)
    return resolve(node, FITTING)


def _read(path: Path) -> DictConfig:
    try:
        values = yaml.safe_load(path.read_bytes())
        parts = {group: OmegaConf.structured(_type_of(group, values[group]["name"])) for group in GROUPS}
        merged = OmegaConf.merge(OmegaConf.structured(Config), parts, values)
    except (OSError, yaml.YAMLError, KeyError, TypeError, OmegaConfBaseException) as error:
        raise ConfigError(f"{path}: this is not the config of a run of this version ({_first_line(error)})") from error
    assert isinstance(merged, DictConfig)
    return merged


def _type_of(group: str, name: str) -> type:
    """The dataclass of the part that calls itself ``name``: that of the option of this name, if there is one."""
    if group in OPTIONS:
        return OPTIONS[group]
    if (conf_folder() / group / f"{name}.yaml").is_file():
        return OmegaConf.get_type(fill_option(group, name)) or object
    return OPTIONS[f"{group}/{name}"]


def _change(node: DictConfig, override: Override) -> None:
    key, value = override.key_or_group, override.value()
    if key in OF_NEW_RUNS:
        raise ConfigError(f"{override.input_line}: the run has its config already; change single options, or leave it")
    try:
        if key in GROUPS:
            node[key] = _option(key, value)
        else:
            OmegaConf.update(node, key, value)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{override.input_line}: {_first_line(error)}") from error


def _option(group: str, name: Any) -> DictConfig:
    known = sorted(path.stem for path in (conf_folder() / group).glob("*.yaml"))
    if name not in known:
        raise ConfigError(f"{group}={name}: there is no such option; there are {', '.join(known)}")
    return fill_option(group, name)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
