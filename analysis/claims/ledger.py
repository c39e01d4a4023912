"""Every claim judged by the records."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.claims.absence import described
from analysis.claims.claim import Claim, load_claims
from analysis.claims.finding import Conclusion, Finding, conclude
from analysis.claims.judgement import Judgement, Verdict
from analysis.claims.table_runs import TableRuns, table_runs
from analysis.tables.cells import ComposedCells
from analysis.tables.condition import Condition, command
from gfl_bench.results.store import Runs, folder_of
from gfl_bench.sweep.table import Table

LISTED = 6  # so many seeds are listed one by one, more as a range


def judge(runs: Runs, tables: dict[str, Table], cells: ComposedCells, scale: str) -> list[Judgement]:
    """A judgement of each claim from the runs at ``scale`` whose options are the scale's own.

    Raises:
        SweepError: ``claims.yaml`` cannot mean what it says.
    """
    claims = load_claims()
    names = dict.fromkeys(claim.table for claim in claims if claim.table)
    found = {name: table_runs(name, tables, runs, cells, scale) for name in names}
    ledger = Ledger(scale, folder_of(runs.frame))
    return [ledger.proven(claim) if claim.proof else ledger.measured(claim, found[claim.table]) for claim in claims]


class Ledger:
    """Writes judgements at one scale; ``folder`` is that of the records."""

    def __init__(self, scale: str, folder: str) -> None:
        self.scale, self.folder = scale, folder

    def proven(self, claim: Claim) -> Judgement:
        effect = "holds for every input, whatever the records say"
        return self._judgement(claim, Verdict.proven, effect, decided_by=", ".join(claim.proof))

    def measured(self, claim: Claim, table: TableRuns) -> Judgement:
        parts = claim.parts(table.label, self.scale)
        if not parts:
            return self._elsewhere(claim, table)
        findings = [part.find(table, len(parts)) for part in parts]
        conclusion = conclude(findings)
        deciding = conclusion.deciding
        return self._judgement(
            claim, conclusion.verdict, _effect(conclusion, findings), decided_by=conclusion.decided_by,
            interval=deciding.interval if deciding else "", seeds=_seeds_of(conclusion, findings),
            more_seeds=conclusion.more, command=self._command(conclusion, table, self.scale),
            parts=tuple(dict.fromkeys(finding.sentence() for finding in findings)),
        )  # fmt: skip

    def _elsewhere(self, claim: Claim, table: TableRuns) -> Judgement:
        """Of a claim whose numbers are those of another scale."""
        scale = claim.scales()[0]
        findings = [part.find(TableRuns(table.name, table.table), 1) for part in claim.parts(table.label, scale)]
        return self._judgement(
            claim, Verdict.unmeasured, f"asserted of scale {' or '.join(claim.scales())} alone",
            command=self._command(conclude(findings), table, scale),
        )  # fmt: skip

    def _command(self, conclusion: Conclusion, table: TableRuns, scale: str) -> str:
        """What runs the seeds that the open parts lack; empty where no cell can be run, or no seed would decide."""
        rows = tuple(row for finding in conclusion.open for row in finding.rows)
        seeds = _seeds(conclusion, table)
        cells = table.cells(rows)
        return command([f"cell={','.join(cells)}"], Condition(scale), self.folder, seeds) if cells and seeds else ""

    def _judgement(
        self, claim: Claim, verdict: Verdict, effect: str, interval: str = "", decided_by: str = "", seeds: int = 0,
        more_seeds: int | None = None, command: str = "", parts: tuple[str, ...] = (),
    ) -> Judgement:  # fmt: skip
        return Judgement(
            claim.id, claim.says, claim.ref, verdict, effect, interval, decided_by, seeds, more_seeds, self.scale,
            command, parts,
        )  # fmt: skip


def _effect(conclusion: Conclusion, findings: Sequence[Finding]) -> str:
    """The deciding part's, or why there is none."""
    if conclusion.verdict is Verdict.unmeasured:
        return described(reason for finding in conclusion.open for reason in finding.missing)
    assert conclusion.deciding is not None
    effect = f"{conclusion.deciding.effect}: {conclusion.deciding.says}{conclusion.deciding.note}"
    if len(findings) == 1:
        return effect
    shown = sum(finding.is_shown for finding in findings)
    return f"{effect}; {shown} of {len(findings)} parts are shown"


def _seeds_of(conclusion: Conclusion, findings: Sequence[Finding]) -> int:
    """One part contradicts; to support takes them all."""
    if conclusion.verdict is Verdict.contradicted and conclusion.deciding is not None:
        return len(conclusion.deciding.seeds)
    return min(len(finding.seeds) for finding in findings)


def _seeds(conclusion: Conclusion, table: TableRuns) -> str:
    """For the command line: the table's own where runs are missing, those after the ones that there are otherwise."""
    if conclusion.verdict is Verdict.unmeasured:
        return _listed(range(table.seeds))
    if not conclusion.open:
        return ""
    done = {seed for finding in conclusion.open for seed in finding.seeds}
    wanted = max(table.seeds, 2) - 1 if len(done) == 1 else 0
    first = max(done) + 1
    return _listed(range(first, first + (conclusion.more or wanted)))


def _listed(seeds: range) -> str:
    if len(seeds) <= LISTED:
        return ",".join(map(str, seeds))
    return f"range({seeds.start},{seeds.stop})"
