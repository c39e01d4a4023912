"""Claims on speed are judged by sessions in which rows took turns, and by runs' own FPS only where there are none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from claimed import CLAIMS, runs_with, verdict_on
from recorded import TABLES, a_run
from timed import a_session, comparisons

from analysis.claims import Judgement, Verdict, judge_everywhere
from analysis.claims.sessions import Sessions, sessions_of
from analysis.tables.matching import Sample
from gfl_bench.results.speed_records import load_speed, write_session
from gfl_bench.results.store import load_runs
from gfl_bench.sweep.cells import ComposedCells

pytestmark = pytest.mark.usefixtures("composed_once")
DETECTORS = ("retinanet", "foveabox", "fcos", "atss", "reppoints_v2")
ROUNDS = np.random.default_rng(0).uniform(1, 9, 12)
COMMAND = "python -m gfl_bench.speed sweep=table12"


def a_table12(slower: float, detectors: Sequence[str] = DETECTORS, **changes: Any) -> dict[str, Any]:
    """A session in which GFocal takes ``slower`` times as long, on a machine that is busy in its own way."""
    machine = ROUNDS * np.random.default_rng(len(detectors)).uniform(1, 3)
    times = {}
    for detector in detectors:
        times |= {f"table12.{detector}": machine, f"table12.{detector}_gfocal": slower * machine}
    return a_session(times, **changes)


def trained(fps: float = 20.0, gain: float = 1.5) -> dict[str, dict[int, Sample]]:
    """Runs whose AP support C14 and whose own FPS say that GFocal has ``fps`` where others have 20."""
    found: dict[str, dict[int, Sample]] = {}
    for detector in DETECTORS:
        for row, ap, speed in ((detector, 30.0, 20.0), (f"{detector}_gfocal", 30.0 + gain, fps)):
            noise = np.random.default_rng(len(row)).normal(0, 0.02, 3)
            runs = runs_with({row: (ap + noise).tolist()})[row]
            found[row] = {seed: Sample(seed, "done", "", {"AP": run.metrics["AP"], "FPS": speed + noise[seed]},
                                       hardware=run.hardware) for seed, run in runs.items()}  # fmt: skip
    return found


def timed(runs: Path, *sessions: dict[str, Any], scale: str = "demo") -> dict[str, Sessions]:
    return sessions_of(TABLES["table12"], comparisons(runs, *sessions), scale)


def on_speed(judgement: Judgement) -> list[str]:
    return [part for part in judgement.parts if "% FPS" in part]


@pytest.mark.parametrize(
    ("slower", "own", "verdict"), [(1.0, 18.0, Verdict.supported), (1.1, 20.0, Verdict.contradicted)]
)
def test_sessions_decide_whatever_the_runs_own_fps_say(
    runs: Path, slower: float, own: float, verdict: Verdict
) -> None:
    alone = verdict_on("C14", trained(own))
    assert alone.verdict is (Verdict.contradicted if own < 20 else Verdict.supported)
    noise = (0.999, 1.001, 1.0)
    found = verdict_on("C14", trained(own), timed=timed(runs, *(a_table12(slower * one) for one in noise)))
    assert found.verdict is verdict and found.is_timed and not alone.is_timed
    assert all("n = 3 sessions" in part and "in turns on Processor h" in part for part in on_speed(found))
    assert len(on_speed(found)) == 5


def test_a_session_is_the_median_of_its_rounds_ratios_and_one_value_of_a_paired_t_test(runs: Path) -> None:
    factors = (1.045, 1.055, 1.05, 1.057)
    found = verdict_on("C14", trained(), timed=timed(runs, *(a_table12(one) for one in factors)))
    values = -np.log(factors)
    low, high = scipy.stats.t.interval(0.90, 3, values.mean(), scipy.stats.sem(values))
    ends = (f"{100 * (np.exp(end) - 1):+.2f}".replace("-", "\N{MINUS SIGN}") for end in (low, high))
    assert f"({' to '.join(ends)}, 90 %)" in on_speed(found)[0]
    p = scipy.stats.ttest_1samp(values, -np.log(1.02), alternative="less").pvalue
    assert found.verdict is Verdict.contradicted and found.decided_by.startswith("two one-sided paired t-tests, p")
    assert f"p = {min(1, 10 * 2 * p):.3f}" in found.decided_by, "two-sided, the first of Holm's ten"
    assert (found.seeds, found.unit) == (4, "session")


def test_one_session_decides_nothing_and_the_command_adds_another(runs: Path) -> None:
    found = verdict_on("C14", trained(), timed=timed(runs, a_table12(1.5)))
    assert (found.verdict, found.seeds, found.unit) == (Verdict.undecided, 1, "session")
    assert "one session, which decides nothing" in on_speed(found)[0]
    assert found.command == COMMAND


def test_open_parts_of_both_kinds_get_both_commands_and_sessions_are_counted_as_such(runs: Path) -> None:
    sessions = timed(runs, *(a_table12(one) for one in (1.0, 1.018, 1.012)))
    found = verdict_on("C14", trained(), timed=sessions)
    assert (found.verdict, found.command, found.more_unit) == (Verdict.undecided, COMMAND, "session")
    assert found.more_seeds is not None and found.more_seeds > 1
    noisy = trained() | runs_with({"fcos_gfocal": [31.0, 33.0, 30.5]})
    both = verdict_on("C14", noisy, timed=sessions).command.split(" && ")
    assert both[0].startswith("python -m gfl_bench.run") and "cell=table12.fcos_gfocal,table12.fcos " in both[0]
    assert both[1:] == [COMMAND]


def test_rows_that_no_session_timed_together_are_judged_by_runs_and_that_is_told(runs: Path) -> None:
    apart = a_session({"table12.fcos": [1.0], "table12.atss": [1.0]}), a_session({"table12.fcos_gfocal": [2.0],
                                                                                   "table12.atss": [1.0]})  # fmt: skip
    found = verdict_on("C14", trained(), timed=timed(runs, a_table12(1.5, ["atss"]), *apart))
    atss, fcos = (next(part for part in on_speed(found) if part.startswith(name)) for name in ("ATSS", "FCOS"))
    assert "n = 1 session," in atss and "FPS of single runs, not timed in turns" in fcos and "n = 3," in fcos


def test_sessions_of_other_scales_and_options_are_no_evidence(runs: Path) -> None:
    assert timed(runs, a_table12(1.5, scale="paper"), a_table12(1.5, overrides=["backbone=resnet101"])) == {}


def test_of_two_protocols_the_one_with_more_rows_then_with_more_sessions_judges(runs: Path) -> None:
    few = [a_table12(1.5, ["fcos"], protocol="few") for _ in range(3)]
    found = timed(runs, *few, a_table12(1.0, protocol="once"), *(a_table12(1.0, protocol="twice") for _ in range(2)))
    assert found["FPS"].comparison.condition.protocol == "twice"


def test_a_scale_that_was_timed_alone_is_judged_on_speed_alone(runs: Path) -> None:
    for slower in (1.1, 1.101, 1.102):
        write_session(a_table12(slower, scale="paper"), runs)
    a_run(runs, "table10.gfocal_with_dgqp", 30.0)
    judgements = judge_everywhere(load_runs(runs), TABLES, ComposedCells(), load_speed(runs).comparisons, "demo")
    found = {scale: [one for one in judgements if one.scale == scale] for scale in ("smoke", "paper", "demo")}
    assert [len(found["smoke"]), len(found["demo"])] == [len(CLAIMS), 0]
    (paper,) = found["paper"]
    assert (paper.id, paper.verdict, paper.unit) == ("C14", Verdict.contradicted, "session")


def test_the_scale_that_trains_longest_is_judged_first(runs: Path) -> None:
    for scale in ("smoke", "demo"):
        a_run(runs, "table10.gfocal_with_dgqp", 30.0, scale=scale)
    a_run(runs, "table10.gfocal_without_dgqp", 30.0)
    judgements = judge_everywhere(load_runs(runs), TABLES, ComposedCells(), [], "demo")
    assert list(dict.fromkeys(one.scale for one in judgements)) == ["demo", "smoke"]


def test_a_claim_that_lacks_runs_tells_what_sessions_have_measured() -> None:
    judged = verdict_on("C14", {}, timed=None)
    assert judged.verdict is Verdict.unmeasured and "parts are measured" not in judged.effect


def test_an_unmeasured_claim_tells_of_the_parts_that_are_measured(runs: Path) -> None:
    found = verdict_on("C14", {}, timed=timed(runs, a_table12(1.0), a_table12(1.001)))
    assert found.verdict is Verdict.unmeasured and found.effect.startswith("no run of ")
    assert "; 5 of 10 parts are measured, the weakest" in found.effect and "% FPS: " in found.effect
    assert found.command.startswith("python -m gfl_bench.run") and "gfl_bench.speed" not in found.command


def test_seconds_of_trainings_count_all_sessions_and_are_told_to_be_of_busy_machines(runs: Path) -> None:
    for cell, hours in (("table13.gfocal", 1.5), ("table13.atss_joint", 1.0)):
        for seed in range(2):
            folder = a_run(runs, cell, seed=seed, training_hours=hours)
            path = folder.path / "result.json"
            last_session_alone = {"timings": {"steps": 600, "training": 7.0}}
            path.write_text(json.dumps(json.loads(path.read_text()) | last_session_alone))
    judged = judge_everywhere(load_runs(runs), TABLES, ComposedCells(), [], "demo")
    (found,) = (one for one in judged if one.id == "C15")
    assert "+50.00 % s a step" in found.effect and "others may have used" in found.effect


@pytest.mark.parametrize(("slower", "verdict"), [(1.0, Verdict.supported), (1.2, Verdict.contradicted)])
def test_steps_that_were_timed_in_turns_decide_instead(runs: Path, slower: float, verdict: Verdict) -> None:
    for row, hours in (("gfocal", 1.5), ("atss_joint", 1.0)):
        a_run(runs, f"table13.{row}", training_hours=hours)
    for noise in (0.999, 1.001, 1.0):
        times = {"table13.atss_joint": ROUNDS, "table13.gfocal": slower * noise * ROUNDS}
        write_session(a_session(times, stages=("detect", "train"), table="table13", scale="smoke"), runs)
    judged = judge_everywhere(load_runs(runs), TABLES, ComposedCells(), load_speed(runs).comparisons, "smoke")
    (found,) = (one for one in judged if one.id == "C15")
    assert (found.verdict, found.seeds, found.unit, found.is_timed) == (verdict, 3, "session", True)
    assert "in turns on Processor h" in found.effect


@pytest.mark.parametrize("other", ["A processor", "Another"])
def test_a_verdict_tells_that_its_runs_are_of_several_machines(runs: Path, other: str) -> None:
    for row, pcc in (("gfocal_with_dgqp", 0.6), ("gfocal_without_dgqp", 0.5)):
        for seed in range(3):
            a_run(runs, f"table10.{row}", seed=seed, PCC=pcc + seed / 100, hardware=other if seed else "A processor")
    judged = judge_everywhere(load_runs(runs), TABLES, ComposedCells(), [], "smoke")
    (found,) = (one for one in judged if one.id == "C12")
    assert ("several machines" in found.effect) is (other == "Another"), found.effect
