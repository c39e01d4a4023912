"""Whether trainings diverge: the share of runs that did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from scipy.special import bdtr, bdtrc

from analysis.claims.absence import Absence
from analysis.claims.finding import Finding, Label, Part
from analysis.claims.power import more_runs
from analysis.claims.table_runs import TableRuns
from analysis.stats import share_interval

HALF = 0.5  # "diverges" says that more than half of the runs do


@dataclass(frozen=True)
class Diverges:
    """More than half of the runs of all rows together diverge."""

    nested: ClassVar[bool] = False
    rows: tuple[str, ...]

    def parts(self, label: Label) -> list[Part]:
        return [Share(f"{' and '.join(map(label, self.rows))} diverge", self.rows)]


@dataclass(frozen=True)
class Share:
    """More than half of the runs of ``rows``, taken together, diverge."""

    says: str
    rows: tuple[str, ...]

    def find(self, table: TableRuns, family: int) -> Finding:
        problem = f"no run of {{}} in {table.name}"
        missing = tuple(Absence(problem, table.label(row)) for row in self.rows if not table.of(row))
        if missing:
            return Finding(self.says, self.rows, missing)
        runs = [run for row in self.rows for run in table.of(row).values()]
        seeds = tuple(sorted(set.intersection(*(set(table.of(row)) for row in self.rows))))
        return _finding(self, sum(run.state == "diverged" for run in runs), len(runs), seeds, family)


def _finding(share: Share, count: int, total: int, seeds: tuple[int, ...], family: int) -> Finding:
    low, high = share_interval(count, total)
    more = more_runs(count, total, HALF, family)
    return Finding(
        says=share.says, rows=share.rows, seeds=seeds, leans=count / total > HALF,
        effect=f"{count} of {total} runs diverged", interval=f"{100 * low:.0f} to {100 * high:.0f} %, 95 %",
        p_for=min(1.0, 2 * float(bdtrc(count - 1, total, HALF))) if count else 1.0,
        p_against=min(1.0, 2 * float(bdtr(count, total, HALF))),
        more=None if more is None else -(-more // len(share.rows)), test="exact binomial test",
    )  # fmt: skip
