"""Claims that one row is above another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from analysis.claims.contrast import Contrast
from analysis.claims.finding import Label, Part
from analysis.claims.quantity import quantity
from analysis.claims.region import Region
from analysis.claims.terms import difference, margin


@dataclass(frozen=True)
class _Ordered:
    """Rows that are compared; a negative ``by`` allows the better one to lose so much."""

    nested: ClassVar[bool] = True
    rows: tuple[tuple[str, ...], ...]
    column: str = "AP"
    by: float = 0.0
    ratio: bool = False
    exact: bool = False


class Better(_Ordered):
    """The first row is better than each other one, by more than ``by``."""

    def parts(self, label: Label) -> list[Part]:
        return [_ordered(self, row, other, label) for row, *others in self.rows for other in others]


class Chain(_Ordered):
    """Each row of a list is better than the one before it, by more than ``by``."""

    def parts(self, label: Label) -> list[Part]:
        return [_ordered(self, row, before, label) for chain in self.rows for before, row in pairwise(chain)]


@dataclass(frozen=True)
class GainOrder:
    """First row over each other one gains more in the first of two columns than in the second."""

    nested: ClassVar[bool] = True
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]

    def parts(self, label: Label) -> list[Part]:
        first, second = self.columns
        return [
            Contrast(
                f"{label(row)} over {label(other)}, gain in {first} minus gain in {second}",
                (*difference(row, other, first), *difference(other, row, second)), Region(low=0.0),
            )
            for row, *others in self.rows for other in others
        ]  # fmt: skip


def _ordered(kind: _Ordered, row: str, other: str, label: Label) -> Contrast:
    bound = margin(kind.by, kind.ratio)
    region = Region(low=bound) if quantity(kind.column).sign > 0 else Region(high=-bound)
    terms = difference(row, other, kind.column)
    return Contrast(f"{label(row)} over {label(other)}", terms, region, kind.ratio, kind.exact)
