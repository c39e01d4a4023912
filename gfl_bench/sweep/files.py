"""Reading ``sweeps/*.yaml``, one file a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gfl_bench.sweep.table import Earlier, Row, Table
from gfl_bench.sweep.validity import RULES, SweepError, check_keys, check_kinds, read_mapping

TABLE_KINDS: dict[str, type] = {
    "title": str, "source": str, "columns": list, "compare": list, "base": dict, "baseline": str, "seeds": int,
    "rows": list, "notes": list, "decimals": dict, "earlier": dict, "at": dict,
}
EARLIER_KINDS: dict[str, type] = {"source": str, "columns": list, "rows": list}
ROW_KINDS: dict[str, type] = {
    "name": str, "label": str, "overrides": dict, "paper": list, "note": str, "against": str, "needs": str,
    "at": dict,
}


def load_tables(folder: Path) -> dict[str, Table]:
    """The tables of ``folder``, by name, in the order of their files.

    Raises:
        SweepError: with a sentence that names the file, and the row where there is one.
    """
    tables: dict[str, Table] = {}
    for path in sorted(folder.glob("*.yaml")):
        table = _load_table(path)
        if table.name in tables:
            raise SweepError(f"{path.name}: another file is {table.name} already; what stands before the first "
                             "underscore must be unique")
        tables[table.name] = table
    return tables


def _load_table(path: Path) -> Table:
    content = read_mapping(path)
    check_keys(Table, content, path.name, given=("name",))
    check_kinds(content, TABLE_KINDS, path.name)
    rows = tuple(_row(values, path.name, index) for index, values in enumerate(content["rows"]))
    content |= _tuples(content, "columns", "compare", "notes")
    if "earlier" in content:
        content["earlier"] = _earlier(content["earlier"], path.name)
    table = Table(**(content | {"name": path.stem.partition("_")[0], "rows": rows}))
    for rule in RULES:
        rule(table, path.name)
    return table


def _earlier(values: dict[str, Any], file: str) -> Earlier:
    check_keys(Earlier, values, f"{file}, earlier")
    check_kinds(values, EARLIER_KINDS, f"{file}, earlier")
    return Earlier(**(values | _tuples(values, "columns", "rows")))


def _tuples(values: dict[str, Any], *keys: str) -> dict[str, tuple[Any, ...]]:
    return {key: tuple(values[key]) for key in keys if key in values}


def _row(values: Any, file: str, index: int) -> Row:
    where = f"{file}, row {values.get('name', index) if isinstance(values, dict) else index}"
    if not isinstance(values, dict):
        raise SweepError(f"{where}: must be a mapping")
    check_keys(Row, values, where)
    check_kinds(values, ROW_KINDS, where)
    return Row(**(values | {"paper": tuple(_number(value, where) for value in values["paper"])}))


def _number(value: Any, where: str) -> float | None:
    if value == "NaN":
        return float("nan")
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise SweepError(f"{where}: the paper's value {value!r} is neither a number nor null nor NaN")
