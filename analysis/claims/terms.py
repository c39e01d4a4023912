"""The numbers that a claim adds up, each of one row and one column."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, log1p

from analysis.claims.absence import Absence
from analysis.claims.table_runs import TableRuns


@dataclass(frozen=True)
class Term:
    weight: float
    row: str
    column: str


def difference(row: str, other: str, column: str) -> tuple[Term, Term]:
    """Row minus other row."""
    return Term(1, row, column), Term(-1, other, column)


def margin(value: float, ratio: bool) -> float:
    """``value``, or its place among logarithms of ratios."""
    return copysign(log1p(abs(value)), value) if ratio else value


def absence(term: Term, table: TableRuns) -> Absence | None:
    """Why no run has the term's number; None where one has."""
    runs, label = table.of(term.row), table.label(term.row)
    if not runs:
        return Absence(f"no run of {{}} in {table.name}", label)
    if all(run.state == "diverged" for run in runs.values()):
        return Absence("every run of {} diverged", label, is_curable=False)
    if all(table.number(term.row, seed, term.column) is None for seed in runs):
        return Absence("the records of {} do not tell; without their result.json they are evaluated again", label)
    return None
