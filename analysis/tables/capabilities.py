"""Table 1: what each distribution of a side supports, as the options of ``box`` declare it."""

from __future__ import annotations

from analysis.tables.caption import heading
from analysis.tables.digits import NOTHING
from analysis.tables.sheet import Entry, Line, Sheet
from gfl_bench.config.options import OPTIONS
from gfl_bench.config.schema import BoxConfig
from gfl_bench.sweep.table import Table

COLUMNS = ("box", "density", "decoded to", "uncertainty", "several peaks", "edge by edge", "whole box")
CAPTION = (
    "Declared by the options of box, and proven on the parts by a test. Uncertainty: predictions of one distance may "
    "differ in how sure they are of it. Edge by edge, whole box: the loss at that level that trains every predicted "
    "number; x is predicted, y the target. Source: paper Table 1; here are also the shape, and General with DFL."
)


def capability_sheet() -> Sheet:
    """A row for each option of ``box``; its entries are words."""
    table = Table(
        name="table01", title="What each distribution of a side supports", source="paper Table 1", columns=COLUMNS,
        base={}, baseline="", seeds=0, rows=(), compare=(),
    )  # fmt: skip
    kinds = [kind for option, kind in OPTIONS.items() if option.startswith("box/")]
    return Sheet(
        name=table.name, table=table, heading=heading(table), setting="Of the parts, not of runs", caption=CAPTION,
        lines=[_line(kind) for kind in kinds], command="", is_measured=False,
    )  # fmt: skip


def _line(kind: type[BoxConfig]) -> Line:
    supports = kind.supports
    words = (
        kind.name, supports.density, supports.decoded, _yes(supports.uncertainty), _yes(supports.several_peaks),
        supports.edge or NOTHING, supports.box or NOTHING,
    )  # fmt: skip
    signs = [word.replace(" - ", " \N{MINUS SIGN} ") for word in words]
    return Line(supports.title, tuple(Entry(word, "") for word in signs), seeds="", differences=(), clear=())


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
