"""Options of a detector that none of the chosen parts reads: they change a run's id and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache, reduce
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gfl_bench.config.options import fill_option
from gfl_bench.config.paths import conf_folder
from gfl_bench.config.rules.readers import TABLE
from gfl_bench.config.schema import Config


def unread_options_are_left_out(config: Config) -> Iterator[str]:
    """What nothing reads has the value that the detector's file, or the scale's, gives it."""
    usual = _usual(config.detector.name, config.scale.name)
    for option in TABLE:
        if _has(config.detector, option.path) and not option.is_read(config):
            for path in _changed(config.detector, option.path, usual):
                yield (f"detector.{path}={_written(_select(config.detector, path))} is read by {option.reader} alone, "
                       f"but {' '.join(f'{name}={_written(_select(config, name))}' for name in option.chosen)}: leave "
                       f"it out, or set {option.mend}")


@cache
def _usual(detector: str, scale: str) -> dict[str, Any] | None:
    """``detector=`` as its file fills it, with what ``scale=`` sets; None where either has no file."""
    file = conf_folder() / "scale" / f"{scale}.yaml"
    if not file.is_file() or not (conf_folder() / "detector" / f"{detector}.yaml").is_file():
        return None
    of_scale = OmegaConf.load(file)
    assert isinstance(of_scale, DictConfig)
    merged = OmegaConf.merge(fill_option("detector", detector), of_scale.get("detector") or {})
    values = OmegaConf.to_container(merged)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def _changed(detector: object, path: str, usual: dict[str, Any] | None) -> Iterator[str]:
    """The options at ``path``, or in the section there, that are not as usual; not those that follow others."""
    value = _select(detector, path)
    if is_dataclass(value):
        for each in fields(value):
            yield from _changed(detector, f"{path}.{each.name}", usual)
    elif usual is not None:
        expected = reduce(dict.__getitem__, path.split("."), usual)
        if not str(expected).startswith("${") and expected != value:
            yield path


def _has(section: object, path: str) -> bool:
    first, _, rest = path.partition(".")
    return hasattr(section, first) and (not rest or _has(getattr(section, first), rest))


def _select(section: object, path: str) -> Any:
    return reduce(getattr, path.split("."), section)


def _written(value: Any) -> str:
    """As it is given on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return str(value.value if isinstance(value, Enum) else getattr(value, "name", value))
