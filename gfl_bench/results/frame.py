"""A frame of runs: their columns beside the leaves of their configs, of which many share their sections."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Config = Mapping[str, Any]
ABSENT = object()


def flatten(config: Config, prefix: str = "") -> dict[str, Any]:
    """The leaves of nested dicts by dotted name; a list is a leaf."""
    leaves: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            leaves |= flatten(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves


def frame_of(columns: Mapping[str, list[Any]], configs: Sequence[Config | None]) -> pd.DataFrame:
    """``columns``, then ``config``, then a column for each leaf; NaN where a config has no such leaf.

    Sections that are one object are flattened once.
    """
    whole = np.empty(len(configs), dtype=object)
    whole[:] = configs
    shapes = dict.fromkeys(map(tuple, filter(None, configs)))
    keys = dict.fromkeys(key for shape in shapes for key in shape)
    leaves = {name: column for key in keys for name, column in _leaves(key, configs).items()}
    return pd.DataFrame({**columns, "config": whole, **{name: leaves[name] for name in leaves if name not in columns}})


def _leaves(key: str, configs: Sequence[Config | None]) -> dict[str, Any]:
    """One section's columns: those of its distinct values, taken to the rows that have them."""
    values = [config.get(key, ABSENT) if config else ABSENT for config in configs]
    _, first, rows = np.unique(np.fromiter(map(id, values), np.int64), return_index=True, return_inverse=True)
    sections = [{} if values[row] is ABSENT else flatten({key: values[row]}) for row in first]
    names = dict.fromkeys(name for number in np.argsort(first) for name in sections[number])
    return {name: _column([section.get(name, math.nan) for section in sections]).take(rows) for name in names}


def _column(values: list[Any]) -> Any:
    return pd.Series(values).array
