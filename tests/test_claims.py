"""Every claim of the paper gets a verdict, and no verdict comes of chance more often than it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from claimed import CLAIMS, runs_with, verdict_on
from recorded import TABLES, a_run

from analysis.claims import Judgement, Verdict, judge
from analysis.claims.claim import load_claims
from analysis.claims.finding import Finding, conclude
from analysis.claims.region import Region
from analysis.claims.table_runs import TableRuns
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.validity import SweepError

pytestmark = pytest.mark.usefixtures("composed_once")
WITH, WITHOUT = "gfocal_with_dgqp", "gfocal_without_dgqp"
TESTS = Path(__file__).parent


def judged(runs: Path, scale: str = "smoke") -> dict[str, Judgement]:
    return {each.id: each for each in judge(load_runs(runs), TABLES, ComposedCells(), scale)}


def cells_of(command: str) -> list[str]:
    return shlex.split(command)[4].removeprefix("cell=").split(",")


def test_the_paper_makes_26_claims_and_all_their_rows_exist() -> None:
    assert list(CLAIMS) == [f"C{number:02}" for number in range(1, 27)]
    for claim in CLAIMS.values():
        table = TableRuns(claim.table, TABLES.get(claim.table))
        assert claim.proof or (table.table is not None and claim.parts(table.label, "paper")), claim.id


def test_proofs_are_tests_that_exist() -> None:
    links = [link.split("::") for claim in CLAIMS.values() for link in claim.proof]
    assert links
    for file, name in links:
        assert re.search(rf"^def {name}\(", (TESTS.parent / file).read_text(), re.MULTILINE), name


def test_without_runs_a_claim_is_proven_or_unmeasured_with_the_command_that_measures_it(runs: Path) -> None:
    found = judged(runs)
    known = {cell.name for table in TABLES.values() for cell in table.cells}
    assert {each.id for each in found.values() if each.verdict is Verdict.proven} == {"C25", "C26"}
    for each in found.values():
        if each.verdict is not Verdict.proven:
            assert each.verdict is Verdict.unmeasured and each.seeds == 0
            assert each.effect.startswith(("no run of", "asserted of scale paper alone"))
            assert not each.command or set(cells_of(each.command)) <= known
    assert cells_of(found["C12"].command) == [f"table10.{WITH}", f"table10.{WITHOUT}"]
    assert {"scale=smoke", "seed=0,1,2"} <= set(shlex.split(found["C12"].command))
    assert "scale=paper" in found["C23"].command, "its numbers are those of the paper's own network"


def test_records_decide(runs: Path) -> None:
    values, baseline = (0.66, 0.67, 0.645), (0.63, 0.635, 0.63)
    for seed in range(3):
        a_run(runs, f"table10.{WITH}", 30.0, seed, PCC=values[seed])
        a_run(runs, f"table10.{WITHOUT}", 30.0, seed, PCC=baseline[seed])
    found = judged(runs)["C12"]
    p = scipy.stats.ttest_rel(values, baseline).pvalue
    assert p < 0.05 and f"p = {p:.3f}" in found.decided_by and "paired t-test" in found.decided_by
    assert (found.verdict, found.seeds, found.more_seeds, found.command) == (Verdict.supported, 3, None, "")
    assert found.effect.startswith("+0.0267 PCC: GFocal with DGQP over")


def test_runs_of_other_scales_and_conditions_are_no_evidence(runs: Path) -> None:
    for seed in range(3):
        a_run(runs, f"table10.{WITH}", 30.0, seed, PCC=0.66 + seed / 100)
        a_run(runs, f"table10.{WITHOUT}", 30.0, seed, PCC=0.63, extra=["schedule.epochs=24"])
        a_run(runs, f"table10.{WITHOUT}", 30.0, seed, PCC=0.63, scale="demo")
    assert judged(runs)["C12"].verdict is Verdict.unmeasured
    assert judged(runs, "demo")["C12"].verdict is Verdict.unmeasured


def test_one_seed_decides_nothing() -> None:
    found = verdict_on("C12", runs_with({WITH: [0.9], WITHOUT: [0.1]}, "PCC"))
    assert (found.verdict, found.seeds, found.more_seeds, found.interval) == (Verdict.undecided, 1, None, "")
    assert found.command.endswith("seed=1,2")


def test_the_opposite_contradicts() -> None:
    found = verdict_on("C12", runs_with({WITH: [0.60, 0.61, 0.605], WITHOUT: [0.63, 0.635, 0.63]}, "PCC"))
    assert found.verdict is Verdict.contradicted and found.effect.startswith("\N{MINUS SIGN}0.0267 PCC")


def test_an_undecided_claim_names_the_seeds_that_would_decide_it() -> None:
    found = verdict_on("C12", runs_with({WITH: [0.64, 0.68, 0.65], WITHOUT: [0.63, 0.63, 0.66]}, "PCC"))
    assert found.verdict is Verdict.undecided and found.more_seeds is not None and found.more_seeds > 6
    assert f"seed=range(3,{3 + found.more_seeds})" in shlex.split(found.command)


def test_a_claim_of_several_parts_needs_all_of_them_and_falls_with_one() -> None:
    others = ("beta0", "beta1", "beta2.5", "beta4")
    best = {"beta2": [32.0, 33.0, 31.0]}
    worse = {row: [30.0, 31.1, 29.1] for row in others}
    assert verdict_on("C06", runs_with(best | worse)).verdict is Verdict.supported
    equal = verdict_on("C06", runs_with(best | worse | {"beta4": [32.1, 32.8, 31.0]}))
    assert equal.verdict is Verdict.undecided and "3 of 4 parts are shown" in equal.effect
    beaten = verdict_on("C06", runs_with(best | worse | {"beta4": [34.0, 35.05, 33.0]}))
    assert beaten.verdict is Verdict.contradicted and "β = 4" in beaten.effect and "Holm over 4" in beaten.decided_by
    untried = verdict_on("C06", runs_with({"beta2": best["beta2"], "beta0": worse["beta0"]}))
    assert untried.verdict is Verdict.unmeasured and "β = 2.5" in untried.effect
    assert "table05.beta2.5" in untried.command


def test_one_part_against_a_claim_may_be_chance_where_there_are_many() -> None:
    slight = Finding("slight", ("row",), seeds=(0, 1, 2), p_against=0.03)
    rest = [Finding("for", ("row",), seeds=(0, 1, 2), leans=True, p_for=0.01)] * 3
    assert conclude([slight]).verdict is Verdict.contradicted
    assert conclude([slight, *rest]).verdict is Verdict.undecided


@pytest.mark.parametrize(("parts", "seeds"), [(1, 2), (1, 3), (1, 8), (4, 3), (6, 4)])
def test_without_any_effect_5_percent_of_verdicts_are_false_at_most(parts: int, seeds: int) -> None:
    """The claimed row is one and the same in each part, as the paper compares it."""
    rng, region, trials = np.random.default_rng(parts * seeds), Region(low=0.0), 1000
    false = 0
    for _ in range(trials):
        row, others = rng.normal(30, 1, seeds), rng.normal(30, 1, (parts, seeds))
        differences = [(row - other).tolist() for other in others]
        findings = [
            Finding("", (), p_for=region.p_inside(values), p_against=region.p_outside(values)) for values in differences
        ]
        false += conclude(findings).verdict is not Verdict.undecided
    assert false / trials < 0.071  # three standard errors above 5 %


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{says: a, metric: AP, ref: b}", "needs either tests, with the table of their rows, or a proof"),
        ("{says: a, metric: AP, ref: b, proof: [c], tset: 1}", "unknown key tset"),
        ("{says: a, metric: AP, ref: b, table: t, tests: [{kind: bettr, rows: []}]}", "kind, which is one of better"),
        ("{says: a, metric: AP, ref: b, table: t, tests: [{kind: better}]}", "better: rows is missing"),
        ("{says: a, metric: AP, ref: b, table: t, tests: [{kind: better, rows: [], column: PC}]}", "unknown column PC"),
        ("3", "must be a mapping"),
    ],
)
def test_a_claims_file_that_cannot_mean_what_it_says_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(f"C77: {text}\n")
    with pytest.raises(SweepError, match=f"claims.yaml, C77.*{reason}"):
        load_claims(path)


def test_a_row_that_does_not_exist_is_named() -> None:
    with pytest.raises(SweepError, match="table05 has no row beta3; it has beta0"):
        TableRuns("table05", TABLES["table05"]).label("beta3")


def test_the_documentation_lists_every_claim() -> None:
    text = (TESTS.parent / "docs" / "claims.md").read_text()
    listed = re.findall(r"^\| (C\d\d) \| (.*?) \| (.*?) \| ", text, re.MULTILINE)
    assert listed == [(claim.id, claim.says, claim.ref) for claim in CLAIMS.values()]
