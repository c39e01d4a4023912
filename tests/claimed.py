"""Runs of a table's rows without files, and the verdict on a claim by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from recorded import TABLES

from analysis.claims.claim import load_claims
from analysis.claims.judgement import Judgement
from analysis.claims.ledger import Ledger
from analysis.claims.sessions import Sessions
from analysis.claims.table_runs import TableRuns
from analysis.tables.matching import Sample

CLAIMS = {claim.id: claim for claim in load_claims()}
Values = Mapping[str, Sequence[float | None]]  # of each row by seed; None for a run that diverged


def runs_with(values: Values, column: str = "AP", hardware: str = "A processor") -> dict[str, dict[int, Sample]]:
    return {
        row: {seed: a_sample(seed, {} if one is None else {column: one}, hardware) for seed, one in enumerate(numbers)}
        for row, numbers in values.items()
    }


def a_sample(seed: int, metrics: Mapping[str, float], hardware: str = "A processor", path: Path | str = "") -> Sample:
    """A run that has ``metrics``; one without any diverged, unless it has a folder."""
    state = "done" if metrics or path else "diverged"
    return Sample(seed=seed, state=state, path=str(path), metrics=metrics, hardware=hardware)


def verdict_on(
    claim: str, runs: dict[str, dict[int, Sample]], scale: str = "demo", timed: Mapping[str, Sessions] | None = None
) -> Judgement:
    table = CLAIMS[claim].table
    return Ledger(scale, "runs").measured(CLAIMS[claim], TableRuns(table, TABLES[table], runs, timed=timed or {}))
