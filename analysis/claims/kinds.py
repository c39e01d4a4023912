"""The kinds of test that ``claims.yaml`` may ask for, each a way to make the parts of a claim from rows of its table.

Where ``rows`` holds lists, the first row of each list is compared with each other row of it. Of a ratio the bounds are
shares: 0.02 is two percent, up and down alike on a logarithmic scale.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from analysis.claims.divergence import Diverges
from analysis.claims.finding import Label, Part
from analysis.claims.order import Better, Chain, GainOrder
from analysis.claims.size import Additive, Fraction, Gain, Level


class Kind(Protocol):
    """Fields are the keys that it may have in ``claims.yaml``."""

    nested: ClassVar[bool]  # whether its rows are lists of rows

    def parts(self, label: Label) -> list[Part]:
        """What must hold, ``label`` giving rows their names for people."""


KINDS: dict[str, type[Kind]] = {
    "better": Better, "chain": Chain, "gain_order": GainOrder, "gain": Gain, "level": Level, "additive": Additive,
    "fraction": Fraction, "diverges": Diverges,
}
