"""Claims that say how large a number, a gain or a share of another row is."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from analysis.claims.contrast import Contrast
from analysis.claims.finding import Label, Part
from analysis.claims.region import Region
from analysis.claims.terms import Term, difference, margin


@dataclass(frozen=True)
class Gain:
    """First row minus each other one lies between ``low`` and ``high``: an equivalence where they are opposite."""

    nested: ClassVar[bool] = True
    rows: tuple[tuple[str, ...], ...]
    low: float
    high: float
    column: str = "AP"
    ratio: bool = False
    exact: bool = False

    def parts(self, label: Label) -> list[Part]:
        region = Region(margin(self.low, self.ratio), margin(self.high, self.ratio))
        return [
            Contrast(
                f"{label(row)} over {label(other)}", difference(row, other, self.column), region, self.ratio, self.exact
            )
            for row, *others in self.rows for other in others
        ]  # fmt: skip


@dataclass(frozen=True)
class Level:
    """The number of each row itself lies between ``low`` and ``high``."""

    nested: ClassVar[bool] = False
    rows: tuple[str, ...]
    column: str
    low: float = -inf
    high: float = inf
    exact: bool = False

    def parts(self, label: Label) -> list[Part]:
        region = Region(self.low, self.high)
        return [Contrast(label(row), (Term(1, row, self.column),), region, exact=self.exact) for row in self.rows]


@dataclass(frozen=True)
class Additive:
    """Of four rows, base, first, second and both: the gain of both is the sum of the two gains, within ``margin``."""

    nested: ClassVar[bool] = False
    rows: tuple[str, ...]
    margin: float
    column: str = "AP"

    def parts(self, label: Label) -> list[Part]:
        base, first, second, both = self.rows
        weights = {both: 1, first: -1, second: -1, base: 1}
        terms = tuple(Term(weight, row, self.column) for row, weight in weights.items())
        says = f"gain of {label(both)} beyond the gains of {label(first)} and {label(second)} together"
        return [Contrast(says, terms, Region(-self.margin, self.margin))]


@dataclass(frozen=True)
class Fraction:
    """The first row has less than the ``below``-th part of each other one."""

    nested: ClassVar[bool] = True
    rows: tuple[tuple[str, ...], ...]
    below: float
    column: str = "AP"

    def parts(self, label: Label) -> list[Part]:
        return [
            Contrast(
                f"{label(row)} below {self.below:g} of {label(other)}",
                (Term(1, row, self.column), Term(-self.below, other, self.column)), Region(high=0.0),
            )
            for row, *others in self.rows for other in others
        ]  # fmt: skip
