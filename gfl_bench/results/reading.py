"""Reading what another process wrote, perhaps cut short, perhaps not ours: a reason instead of an exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SCHEMA = 1  # of status.json and result.json


@dataclass(frozen=True)
class Unreadable:
    """A file that is not what its name says."""

    path: Path
    reason: str


def read_object(path: Path, kinds: dict[str, type | tuple[type, ...]]) -> dict[str, Any] | Unreadable:
    """The JSON object in ``path``, which has at least the keys of ``kinds``, each of its type, and our schema."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Unreadable(path, "is missing")
    except OSError as error:
        return Unreadable(path, f"cannot be read ({error.strerror})")
    except (ValueError, RecursionError):
        return Unreadable(path, "is cut short or not JSON")
    if not isinstance(values, dict):
        return Unreadable(path, "is not a JSON object")
    fault = _fault(values, kinds)
    return Unreadable(path, fault) if fault else values


def _fault(values: dict[str, Any], kinds: dict[str, type | tuple[type, ...]]) -> str | None:
    if values.get("schema") != SCHEMA:
        return f"has schema {values.get('schema')!r}, and this version reads {SCHEMA}"
    for key, kind in kinds.items():
        if key not in values:
            return f"lacks {key!r}"
        if not isinstance(values[key], kind):
            return f"has {key!r} of type {type(values[key]).__name__}"
    return None


def read_config(path: Path) -> dict[str, Any] | None:
    """The config in ``config.yaml`` as JSON would hold it; None where there is none."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # five times as fast
    try:
        config = json.loads(json.dumps(yaml.load(path.read_bytes(), loader)))
    except (OSError, yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None
    return config if isinstance(config, dict) else None


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The log lines of ``metrics.jsonl`` by step, ascending; a step told twice, after a kill, counts as told last.

    Lines that are cut short or have no integer ``step`` are passed over.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    by_step: dict[int, dict[str, Any]] = {}
    for record in _parsed(lines):
        with suppress(ValueError, KeyError, TypeError):
            by_step[int(record["step"])] = record
    return [by_step[step] for step in sorted(by_step)]


def _parsed(lines: list[bytes]) -> Iterator[Any]:
    """Those that are JSON: all at once, which is quicker by far, or one by one where some are not."""
    try:
        yield from json.loads(b"[%s]" % b",".join(lines))
    except (ValueError, RecursionError):
        for line in lines:
            with suppress(ValueError, RecursionError):
                yield json.loads(line)
