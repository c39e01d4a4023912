"""A weighted sum of numbers of rows, seed by seed, and the region where a claim says that its mean lies."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from analysis.claims.absence import Absence
from analysis.claims.finding import Finding
from analysis.claims.power import more_seeds
from analysis.claims.quantity import Quantity, quantity
from analysis.claims.recorded import SECONDS_A_STEP
from analysis.claims.region import Region
from analysis.claims.table_runs import TableRuns
from analysis.claims.terms import Term, absence
from analysis.stats import mean_interval
from analysis.tables.timings import COLUMN

ALONE = {  # where times that nobody took in turns are from
    COLUMN: f"{COLUMN} of single runs, not timed in turns",
    SECONDS_A_STEP: "of whole trainings, each at its own time, on machines that others may have used",
}


@dataclass(frozen=True)
class Contrast:
    """A part of a claim.

    Attributes:
        says: in words.
        ratio: of logarithms; ``region`` too is one of logarithms, and the effect is printed in percent.
        exact: a count that no seed changes, so that one run decides.
    """

    says: str
    terms: tuple[Term, ...]
    region: Region
    ratio: bool = False
    exact: bool = False

    def find(self, table: TableRuns, family: int) -> Finding:
        rows = tuple(dict.fromkeys(term.row for term in self.terms))
        table = table.measuring(self.terms[0].column, rows)
        missing = tuple(found for term in self.terms if (found := absence(term, table)))
        values = {} if missing else self._values(table)
        if values:
            return self._finding(rows, values, table, family)
        missing = missing or (self._apart(table),)
        return Finding(self.says, rows if all(reason.is_curable for reason in missing) else (), missing)

    def _finding(self, rows: tuple[str, ...], by_seed: dict[int, float], table: TableRuns, family: int) -> Finding:
        values = list(by_seed.values())
        interval = mean_interval(values, self.region.level)
        assert interval is not None
        leans, counted = interval.mean in self.region, self.exact and len(set(values)) == 1
        return Finding(
            says=self.says, rows=rows, seeds=tuple(by_seed), unit=table.unit, leans=leans, note=self._note(rows, table),
            effect=self._printed(interval.mean), interval=self._ends(interval.mean, interval.half_width),
            p_for=float(not leans) if counted else self.region.p_inside(values),
            p_against=float(leans) if counted else self.region.p_outside(values),
            more=None if counted else more_seeds(values, self.region, family),
            test=self._test(counted, len(values), table.unit), has_p=not counted and len(values) > 1,
        )  # fmt: skip

    def _values(self, table: TableRuns) -> dict[int, float]:
        """The sum for each seed that every term has, all of one machine where that matters."""
        seeds = sorted(set.intersection(*(set(table.of(term.row)) for term in self.terms)))
        found = {seed: self._sum(table, seed) for seed in seeds}
        return {seed: value for seed, value in found.items() if value is not None}

    def _sum(self, table: TableRuns, seed: int) -> float | None:
        machines = {table.of(term.row)[seed].hardware for term in self.terms}
        if self._quantity.of_machine and len(machines) > 1:
            return None
        numbers = [table.number(term.row, seed, term.column) for term in self.terms]
        known = [one for one in numbers if one is not None and (one > 0 or not self.ratio)]
        if len(known) < len(numbers):
            return None
        return sum(term.weight * (log(one) if self.ratio else one) for term, one in zip(self.terms, known, strict=True))

    def _apart(self, table: TableRuns) -> Absence:
        seeds = [set(table.of(term.row)) for term in self.terms]
        if self._quantity.of_machine and set.intersection(*seeds):
            return Absence("measured on different machines, which cannot be compared", is_curable=False)
        return Absence("no seed that all rows have")

    @property
    def _quantity(self) -> Quantity:
        return quantity(self.terms[0].column)

    @property
    def _is_difference(self) -> bool:
        return len(self.terms) > 1

    def _printed(self, value: float) -> str:
        return f"{self._digits(value)} {'% ' if self.ratio else ''}{self._quantity.unit}"

    def _digits(self, value: float) -> str:
        if self.ratio:
            return f"{100 * (exp(value) - 1):+.2f}".replace("-", "\N{MINUS SIGN}")
        return self._quantity.number(value, self._is_difference)

    def _ends(self, mean: float, half_width: float | None) -> str:
        if half_width is None:
            return ""
        low, high = mean - half_width, mean + half_width
        return f"{self._digits(low)} to {self._digits(high)}, {round(100 * self.region.level)} %"

    def _test(self, counted: bool, seeds: int, unit: str) -> str:
        if counted or seeds == 1:
            return "count" if counted else f"one {unit}, which decides nothing"
        kind = "paired t-test" if self._is_difference else "t-test"
        return f"two one-sided {kind}s" if self.region.is_bounded else kind

    def _note(self, rows: tuple[str, ...], table: TableRuns) -> str:
        """Diverged runs have no number, and are told; so is where times come from, and that machines differ."""
        counts = {row: sum(run.state == "diverged" for run in table.of(row).values()) for row in rows}
        told = [f'{count} of "{table.label(row)}" diverged' for row, count in counts.items() if count]
        origin = table.origin or ALONE.get(self.terms[0].column, "")
        machines = {run.hardware for row in rows for run in table.of(row).values() if run.hardware}
        mixed = "trained on several machines, whose rounding differs" if len(machines) > 1 and not origin else ""
        notes = [f"{', '.join(told)}, left out" if told else "", origin, mixed]
        return f" ({'; '.join(filter(None, notes))})" if any(notes) else ""
