"""Runs of one config, whatever their seed and machine, found once: tables by the dozen ask for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import pandas as pd

from gfl_bench.sweep.changes import LEFT_OUT

NAMED = ("scale", "detector", "quality", "box", "guidance")  # sections that every config of ours has, with a name
NOTHING = "null"

Config = Mapping[str, Any]


class Texts(dict[str, str]):
    """Sections as JSON, by name; a section that is not there is null."""

    def __missing__(self, name: str) -> str:
        return NOTHING


@dataclass(frozen=True)
class Group:
    """Runs that differ in seed, machine, paths and checkpoint at most.

    Attributes:
        config: of one of them; a guidance of k = 0 is called by its other name, none (Table 8).
        rows: where they stand in the frame, ascending.
        tables: by whose cells they were asked for; None stands for a run that was asked for by no cell.
    """

    config: Config
    texts: Texts
    rows: list[int]
    tables: set[str | None]


def groups_of(frame: pd.DataFrame) -> list[Group]:
    """The groups of all runs in ``frame`` whose config is known and ours, ordered by their first run."""
    groups: dict[Any, Group | None] = {}  # None for what is not ours
    texts = _remembered()
    for row, (config, cell) in enumerate(zip(frame["config"].to_numpy(), frame["cell"].to_numpy(), strict=True)):
        if not isinstance(config, Mapping):
            continue
        shape = tuple(config)
        sections = shape, *map(id, _getter(shape)(config))
        if sections not in groups:
            meaning = _meaning(config) if _is_ours(config) else None
            groups[sections] = None if meaning is None else Group(meaning, texts(meaning), [], set())
        group = groups[sections]
        if group is not None:
            group.rows.append(row)
            group.tables.add(cell.partition(".")[0] if isinstance(cell, str) else None)
    return [group for group in groups.values() if group is not None]


@lru_cache(maxsize=64)
def _getter(shape: tuple[str, ...]) -> Callable[[Config], Iterable[Any]]:
    """The values of what makes configs of these keys the same; always as a tuple."""
    return itemgetter(*(name for name in shape if name not in LEFT_OUT), *shape[:1], *shape[:1])


def texts_of(config: Config) -> Texts:
    """The sections of ``config`` that make a table or a condition, as JSON."""
    return _remembered()(config)


def _remembered() -> Callable[[Config], Texts]:
    """``texts_of`` that writes a section once that many configs share as one object."""
    known: dict[int, str] = {}
    kept: list[Any] = []  # what is alive keeps its id

    def texts(config: Config) -> Texts:
        found = Texts()
        for name, value in config.items():
            if name in LEFT_OUT:
                continue
            if id(value) not in known:
                known[id(value)] = json.dumps(value, sort_keys=True)
                kept.append(value)
            found[name] = known[id(value)]
        return found

    return texts


def _is_ours(config: Config) -> bool:
    return all(
        isinstance(config.get(name), Mapping) and isinstance(config[name].get("name"), str) for name in NAMED
    )


def _meaning(config: Config) -> Config:
    return {**config, "guidance": {"name": "none"}} if config["guidance"].get("k") == 0 else config
