"""What a table file may say; everything else is refused with the file and the row named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import yaml

from gfl_bench.results.metrics import METRICS
from gfl_bench.sweep.table import Table

try:
    from yaml import CSafeLoader as SafeLoader  # seven times as fast; every start reads the table files
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

GROUPS = ("detector", "quality", "box", "guidance", "backbone", "neck", "data", "schedule")
NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)*")  # what Hydra reads without quotes
KINDS: dict[type, str] = {dict: "mapping", list: "list", str: "text", int: "number"}


class SweepError(ValueError):
    """A table file that cannot mean what it says."""


def read_mapping(path: Path) -> dict[str, Any]:
    """The content of a table file, not yet checked."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SweepError(f"{path.name}: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise SweepError(f"{path.name}: must be a mapping")
    return content


def check_keys(kind: type, values: Mapping[str, Any], where: str, given: tuple[str, ...] = ()) -> None:
    """Refuse keys that are no fields of ``kind`` (or are ``given`` otherwise), and the lack of one without default."""
    known = {f.name: f for f in fields(kind) if f.name not in given}
    unknown = [str(key) for key in values if key not in known]
    if unknown:
        raise SweepError(f"{where}: unknown key {', '.join(unknown)}; it may have {', '.join(known)}")
    missing = [name for name, f in known.items() if _is_required(f) and name not in values]
    if missing:
        raise SweepError(f"{where}: {', '.join(missing)} is missing")


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def check_kinds(values: Mapping[str, Any], kinds: Mapping[str, type], where: str) -> None:
    """Refuse a value that is not of its kind."""
    for key, kind in kinds.items():
        if key in values and not isinstance(values[key], kind):
            raise SweepError(f"{where}: {key} must be a {KINDS[kind]}, not {values[key]!r}")


def _check_names(table: Table, file: str) -> None:
    for name, times in Counter(row.name for row in table.rows).items():
        if times > 1:
            raise SweepError(f"{file}, row {name}: the name stands {times} times")
        if not NAME.fullmatch(f"{table.name}.{name}"):
            raise SweepError(f"{file}, row {name}: a name has small letters, digits, underscores and single dots")


def _check_columns(table: Table, file: str) -> None:
    for name in (*table.columns, *table.compare):
        if name not in METRICS:
            raise SweepError(f"{file}: unknown metric {name}; there are {', '.join(METRICS)}")
    absent = [name for name in table.compare if name not in table.columns]
    if absent:
        raise SweepError(f"{file}: compare names {', '.join(absent)}, which is no column of the table")
    if table.seeds < 1:
        raise SweepError(f"{file}: seeds must be 1 or more, not {table.seeds}")


def _check_decimals(table: Table, file: str) -> None:
    for name, digits in table.decimals.items():
        if name not in table.columns:
            raise SweepError(f"{file}: decimals names {name}, which is no column of the table")
        if not isinstance(digits, int) or digits < 0:
            raise SweepError(f"{file}: decimals of {name} must be a number of digits, not {digits!r}")


def _check_earlier(table: Table, file: str) -> None:
    if table.earlier is None:
        return
    known = {"column": set(table.columns), "row": {row.name for row in table.rows}}
    for kind, names in (("column", table.earlier.columns), ("row", table.earlier.rows)):
        unknown = [str(name) for name in names if name not in known[kind]]
        if unknown:
            raise SweepError(f"{file}: earlier names {', '.join(unknown)}, which is no {kind} of the table")


def _check_paper(table: Table, file: str) -> None:
    for row in table.rows:
        if len(row.paper) != len(table.columns):
            raise SweepError(f"{file}, row {row.name}: {len(row.paper)} paper values for {len(table.columns)} columns "
                             f"({', '.join(table.columns)})")


def _check_baselines(table: Table, file: str) -> None:
    names = {row.name for row in table.rows}
    if table.baseline not in names:
        raise SweepError(f"{file}: the baseline {table.baseline} is no row")
    for row in table.rows:
        if row.against and row.against not in names:
            raise SweepError(f"{file}, row {row.name}: it is compared against {row.against}, which is no row")


def _check_overrides(table: Table, file: str) -> None:
    for row in table.rows:
        for key, value in table.cell(row).overrides.items():
            if str(key).partition(".")[0] not in GROUPS:
                raise SweepError(f"{file}, row {row.name}: the override {key} begins with no group; there are "
                                 f"{', '.join(GROUPS)}")
            if "." not in key and not isinstance(value, str):
                raise SweepError(f"{file}, row {row.name}: {key} chooses an option, so {value!r} must be its name")


def _check_scales(table: Table, file: str) -> None:
    for where, at in {file: table.at, **{f"{file}, row {row.name}": row.at for row in table.rows}}.items():
        check_kinds(at, dict.fromkeys(at, dict), f"{where}, at")
        for scale, choices in at.items():
            for group, option in choices.items():
                if group not in GROUPS or not isinstance(option, str):
                    raise SweepError(f"{where}, at {scale}: {group}: {option!r} is not the name of an option of one of "
                                     f"{', '.join(GROUPS)}")


RULES: tuple[Callable[[Table, str], None], ...] = (
    _check_names, _check_columns, _check_decimals, _check_earlier, _check_paper, _check_baselines, _check_scales,
    _check_overrides,
)


class _UniqueKeyLoader(SafeLoader):
    """YAML in which a key that stands twice is refused; plain YAML keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        times = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = [key for key, count in times.items() if count > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)
