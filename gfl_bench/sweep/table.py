"""``sweeps/*.yaml``: a table of the paper, its rows as overrides, the paper's values beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfl_bench.sweep.validity import RULES, SweepError, check_keys, check_kinds, read_mapping

__all__ = ["Cell", "Row", "SweepError", "Table", "load_tables"]

TABLE_KINDS: dict[str, type] = {
    "title": str, "source": str, "columns": list, "compare": list, "base": dict, "baseline": str, "seeds": int,
    "rows": list, "notes": list,
}
ROW_KINDS: dict[str, type] = {
    "name": str, "label": str, "overrides": dict, "paper": list, "note": str, "against": str, "needs": str,
}


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: unique in the table; ``<table>.<name>`` is its cell.
        label: for people.
        overrides: a key without a dot chooses a group's option, one with a dot sets a value.
        paper: the paper's values in the order of the columns; None where it has none, NaN where it diverged.
        note: what a reader must know of this row.
        against: the row that its paired differences are taken to, if not the table's baseline.
        needs: what gfl_bench lacks to run it, such as "detector fcos"; the row is shown, but is no cell.
    """

    name: str
    label: str
    overrides: Mapping[str, Any]
    paper: tuple[float | None, ...]
    note: str = ""
    against: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Cell:
    """A row that can be run, with what its table adds: ``cell=<name>``."""

    name: str
    overrides: Mapping[str, Any]

    @property
    def choices(self) -> dict[str, str]:
        """Options of groups."""
        return {key: value for key, value in self.overrides.items() if "." not in key}

    @property
    def values(self) -> dict[str, Any]:
        """Values by dotted name."""
        return {key: value for key, value in self.overrides.items() if "." in key}


@dataclass(frozen=True)
class Table:
    """One file of ``sweeps/``.

    Attributes:
        name: of the file up to the first underscore, such as ``table05``.
        source: where the paper's values stand.
        columns: names of ``METRICS``.
        base: overrides that every row begins with.
        baseline: the row that the others are compared with, by seed.
        compare: the columns whose differences are printed.
        seeds: number of repetitions, seeds 0, 1, ...
    """

    name: str
    title: str
    source: str
    columns: tuple[str, ...]
    base: Mapping[str, Any]
    baseline: str
    seeds: int
    rows: tuple[Row, ...]
    compare: tuple[str, ...] = ("AP",)
    notes: tuple[str, ...] = ()

    def cell(self, row: Row) -> Cell:
        """The cell of one of its rows."""
        return Cell(f"{self.name}.{row.name}", {**self.base, **row.overrides})

    @property
    def cells(self) -> list[Cell]:
        """The rows that can be run, in the table's order."""
        return [self.cell(row) for row in self.rows if not row.needs]


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
    content |= {key: tuple(content[key]) for key in ("columns", "compare", "notes") if key in content}
    table = Table(**(content | {"name": path.stem.partition("_")[0], "rows": rows}))
    for rule in RULES:
        rule(table, path.name)
    return table


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
