"""A table of the paper: its rows as overrides, the paper's values beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gfl_bench.results.metrics import METRICS


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
        at: options of groups that it has at some scales besides its table's, by the scale's name.
    """

    name: str
    label: str
    overrides: Mapping[str, Any]
    paper: tuple[float | None, ...]
    note: str = ""
    against: str = ""
    needs: str = ""
    at: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Earlier:
    """What only the earlier version of the paper prints.

    Attributes:
        source: where.
        columns: of every row.
        rows: by name, all of their columns.
    """

    source: str
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A row that can be run, with what its table adds: ``cell=<name>``.

    Attributes:
        overrides: at any scale.
        at: options of groups that take their place at some scales, by the scale's name.
    """

    name: str
    overrides: Mapping[str, Any]
    at: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def at_scale(self, scale: str) -> Cell:
        """What it is at one scale."""
        return Cell(self.name, {**self.overrides, **self.at.get(scale, {})})

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
        decimals: of a column, where this table prints others than its metric has.
        earlier: which of the paper's values stand in its earlier version alone.
        at: options of groups that every row has at some scales, by the scale's name, such as the data of the paper's.
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
    decimals: Mapping[str, int] = field(default_factory=dict)
    earlier: Earlier | None = None
    at: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def digits(self, column: str) -> int:
        """Decimals of a column."""
        return self.decimals.get(column, METRICS[column].decimals)

    def is_earlier(self, row: Row, column: str) -> bool:
        """Whether the paper's value is its earlier version's."""
        return self.earlier is not None and (row.name in self.earlier.rows or column in self.earlier.columns)

    def group(self, row: Row) -> str:
        """The row that its differences are taken to; rows of one group are compared with each other."""
        return row.against or self.baseline

    def cell(self, row: Row) -> Cell:
        """The cell of one of its rows."""
        at = {scale: {**self.at.get(scale, {}), **row.at.get(scale, {})} for scale in {**self.at, **row.at}}
        return Cell(f"{self.name}.{row.name}", {**self.base, **row.overrides}, at)

    @property
    def cells(self) -> list[Cell]:
        """The rows that can be run, in the table's order."""
        return [self.cell(row) for row in self.rows if not row.needs]
