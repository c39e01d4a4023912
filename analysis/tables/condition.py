"""Under what conditions a row was run: the scale, and what differs from that scale's own config."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from gfl_bench.config.identity import ADDED
from gfl_bench.results.store import flatten
from gfl_bench.sweep.changes import LEFT_OUT, LEFT_OUT_LEAVES

DEFAULT_SCALE = "demo"  # where there are no runs
PLAIN = re.compile(r"[\w./~@%+-]+")  # needs no quotes in an override


@dataclass(frozen=True)
class Condition:
    """What all rows of one printed table share.

    Attributes:
        scale: name of the scale.
        changes: dotted option and its value as JSON, where it is not what the scale gives the row.
    """

    scale: str
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def slug(self) -> str:
        """For file names: the scale, and a digest of the changes if there are any."""
        if not self.changes:
            return self.scale
        return f"{self.scale}-{hashlib.sha256(repr(self.changes).encode()).hexdigest()[:6]}"

    @property
    def is_trained(self) -> bool:
        """Whether its runs were, rather than their weights read from a file."""
        return all(name != "mode" for name, _ in self.changes)

    @property
    def overrides(self) -> list[str]:
        """What the command line must say besides cell and seed."""
        values = [f"{_option(name)}={_hydra_value(json.loads(text))}" for name, text in self.changes]
        evaluated = [] if self.is_trained else ["checkpoint=FILE"]
        return [f"scale={self.scale}", *values, *evaluated]

    def describe(self) -> str:
        """The changes for a caption; of a path its last two parts."""
        return ", ".join(f"{_option(name)}={_short(json.loads(text))}" for name, text in self.changes)


def condition_of(config: Mapping[str, Any], cell: Mapping[str, Any]) -> Condition:
    """The condition of a run's ``config``, whose row is composed as ``cell`` at the same scale.

    A run from before there was an option did as the option's first default says.
    """
    usual, own = _leaves(cell), _leaves(config)
    before = {name: json.dumps(value) for name, value in ADDED.items() if name in usual.keys() - own.keys()}
    changes = {name: text for name, text in (own | before).items() if usual.get(name) != text}
    # a choice comes before the values of what is chosen
    ordered = sorted(changes.items(), key=lambda change: (not change[0].endswith(".name"), change[0]))
    return Condition(config["scale"]["name"], tuple(ordered))


def command(target: list[str], condition: Condition, runs: str, seeds: str | None = None) -> str:
    """The command that runs ``target`` under ``condition`` with its records in ``runs``."""
    place = [] if runs == "runs" else [f"paths.runs={runs}"]
    repetitions = [] if seeds is None else [f"seed={seeds}"]
    return shlex.join(["python", "-m", "gfl_bench.run", "-m", *target, *condition.overrides, *place, *repetitions])


def _leaves(config: Mapping[str, Any]) -> dict[str, str]:
    kept = {key: value for key, value in config.items() if key not in LEFT_OUT}
    return {name: json.dumps(value) for name, value in flatten(kept).items() if name not in LEFT_OUT_LEAVES}


def _option(name: str) -> str:
    group, _, leaf = name.partition(".")
    return group if leaf == "name" else name


def _hydra_value(value: Any) -> str:
    """As Hydra's override grammar reads it back."""
    if not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    return value if PLAIN.fullmatch(value) else "'" + value.replace("'", "\\'") + "'"


def _short(value: Any) -> str:
    if isinstance(value, str) and len(PurePath(value).parts) > 2:
        return "/".join(PurePath(value).parts[-2:])
    return _hydra_value(value)
