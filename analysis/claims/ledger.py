"""Every claim judged by the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from analysis.claims.absence import described
from analysis.claims.claim import Claim, load_claims
from analysis.claims.finding import Conclusion, Finding, conclude, pending
from analysis.claims.judgement import Judgement, Verdict
from analysis.claims.sessions import sessions_of
from analysis.claims.table_runs import TableRuns, table_runs
from analysis.tables.condition import Condition, command
from gfl_bench.results.speed_records import Comparison
from gfl_bench.results.store import Runs, folder_of
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.table import Table

LISTED = 6  # so many seeds are listed one by one, more as a range


def judge(
    runs: Runs, tables: dict[str, Table], cells: ComposedCells, scale: str, speeds: Sequence[Comparison] = ()
) -> list[Judgement]:
    """A judgement of each claim from the runs and sessions at ``scale`` whose options are the scale's own.

    Raises:
        SweepError: ``claims.yaml`` cannot mean what it says.
    """
    claims = load_claims()
    names = dict.fromkeys(claim.table for claim in claims if claim.table)
    found = {
        name: replace(table_runs(name, tables, runs, cells, scale), timed=sessions_of(tables.get(name), speeds, scale))
        for name in names
    }
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
        deciding, fewest, further = conclusion.deciding, _fewest(conclusion, findings), conclusion.pending
        return self._judgement(
            claim, conclusion.verdict, _effect(conclusion, findings), decided_by=conclusion.decided_by,
            interval=deciding.interval if deciding else "", seeds=len(fewest.seeds), unit=fewest.unit,
            more_seeds=further.more if further else None, more_unit=further.unit if further else "seed",
            command=self._command(conclusion, table, self.scale),
            parts=tuple(dict.fromkeys(finding.sentence() for finding in findings)),
            is_timed=any(finding.unit == "session" for finding in findings),
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
        """What makes the runs and the session that the open parts lack; empty where nothing can, or would decide."""
        by_runs = [finding for finding in conclusion.open if finding.unit == "seed"]
        timed = [finding for finding in conclusion.open if finding.unit == "session"]
        again = any(finding.more or len(finding.seeds) == 1 for finding in timed)
        seeds = _seeds(conclusion.verdict, by_runs, table)
        cells = table.cells(tuple(row for finding in by_runs for row in finding.rows))
        run = command([f"cell={','.join(cells)}"], Condition(scale), self.folder, seeds) if cells and seeds else ""
        turns = dict.fromkeys(sessions.command for sessions in table.timed.values()) if again else ()
        return " && ".join(filter(None, [run, *turns]))

    def _judgement(self, claim: Claim, verdict: Verdict, effect: str, **others: Any) -> Judgement:
        return Judgement(claim.id, claim.says, claim.ref, verdict, effect, scale=self.scale, **others)


def _effect(conclusion: Conclusion, findings: Sequence[Finding]) -> str:
    """The deciding part's, or why there is none."""
    if conclusion.verdict is Verdict.unmeasured:
        missing = described(reason for finding in conclusion.open for reason in finding.missing)
        measured = f"{len(findings) - len(conclusion.open)} of {len(findings)} parts are measured, the weakest"
        return f"{missing}; {measured} {_told(conclusion)}" if conclusion.deciding else missing
    effect = _told(conclusion)
    if len(findings) == 1:
        return effect
    shown = sum(finding.is_shown for finding in findings)
    return f"{effect}; {shown} of {len(findings)} parts are shown"


def _told(conclusion: Conclusion) -> str:
    """The part that decided, or that is furthest from it."""
    part = conclusion.deciding
    return f"{part.effect}: {part.says}{part.note}" if part else ""


def _fewest(conclusion: Conclusion, findings: Sequence[Finding]) -> Finding:
    """The part with the fewest seeds or sessions. One part contradicts; to support takes them all."""
    if conclusion.verdict is Verdict.contradicted and conclusion.deciding is not None:
        return conclusion.deciding
    return min(findings, key=lambda finding: len(finding.seeds))


def _seeds(verdict: Verdict, undecided: Sequence[Finding], table: TableRuns) -> str:
    """For the command line: the table's own where runs are missing, those after the ones that there are otherwise."""
    if verdict is Verdict.unmeasured:
        return _listed(range(table.seeds))
    if not undecided:
        return ""
    done = {seed for finding in undecided for seed in finding.seeds}
    further, wanted = pending(undecided), max(table.seeds, 2) - 1 if len(done) == 1 else 0
    first = max(done) + 1
    return _listed(range(first, first + ((further and further.more) or wanted)))


def _listed(seeds: range) -> str:
    if len(seeds) <= LISTED:
        return ",".join(map(str, seeds))
    return f"range({seeds.start},{seeds.stop})"
