"""Parts of a record that may be older than this version, or not ours: what is not there is empty."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from gfl_bench.results.reading import Unreadable
from gfl_bench.results.result import read_result

Record = Mapping[str, Any]


def result_of(run: str) -> Record:
    """``result.json`` in the folder ``run``."""
    found = read_result(Path(run) / "result.json")
    return {} if isinstance(found, Unreadable) else found


def section(record: Record, *names: str) -> Record:
    """The mapping inside a record, inside that the next one."""
    for name in names:
        found = record.get(name)
        record = found if isinstance(found, Mapping) else {}
    return record


def number(values: Record, key: str) -> float | None:
    """A finite number; None where there is none."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)
