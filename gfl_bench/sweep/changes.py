"""In which options two configs differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gfl_bench.results.store import flatten

# How, where and from which file a run is executed, and what repeats it, make no other configuration.
LEFT_OUT = ("seed", "machine", "paths", "checkpoint")
LEFT_OUT_LEAVES = ("scale.caption",)
ABSENT = object()


@dataclass(frozen=True)
class Change:
    """A dotted option, its value in the baseline's config and in the row's; empty where a config has no such option."""

    option: str
    before: str
    after: str


def changes(config: Mapping[str, Any], baseline: Mapping[str, Any]) -> Iterator[Change]:
    """From ``baseline`` to ``config``, a choice before the values of what is chosen; none where one is unknown."""
    if not config or not baseline:
        return
    old, new = _leaves(baseline), _leaves(config)
    differing = [name for name in {**old, **new} if old.get(name, ABSENT) != new.get(name, ABSENT)]
    for name in sorted(differing, key=lambda name: (name.partition(".")[0], not name.endswith(".name"), name)):
        option = name.removesuffix(".name") if name.count(".") == 1 else name
        yield Change(option, _word(old.get(name, ABSENT)), _word(new.get(name, ABSENT)))


def _leaves(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key not in LEFT_OUT}
    return {name: value for name, value in flatten(kept).items() if name not in LEFT_OUT_LEAVES}


def _word(value: Any) -> str:
    if value is ABSENT:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
