"""Each kind of claim holds where the records are as it says, and falls where they are not."""

from __future__ import annotations

import pytest
import scipy.stats
from claimed import a_sample, runs_with, verdict_on

from analysis.claims import Verdict
from analysis.tables.matching import Sample

BASE, NOISE = 30.0, (0.0, 0.02, -0.01)
SUPPORTED, CONTRADICTED, UNDECIDED = Verdict.supported, Verdict.contradicted, Verdict.undecided


def near(value: float, spread: float = 1.0, turn: int = 0) -> list[float]:
    """Three seeds about ``value``."""
    return [value + spread * NOISE[(seed + turn) % 3] for seed in range(3)]


def rows(**values: float) -> dict[str, list[float]]:
    return {row: near(value, turn=turn) for turn, (row, value) in enumerate(values.items())}


@pytest.mark.parametrize(
    ("other", "verdict"), [(BASE + 0.05, SUPPORTED), (BASE + 0.6, CONTRADICTED), (BASE + 0.2, UNDECIDED)]
)
def test_equal_within_a_margin(other: float, verdict: Verdict) -> None:
    found = verdict_on("C08", runs_with(rows(n16_delta1=BASE, n12_delta1=other, n14_delta1=BASE, n18_delta1=BASE)))
    assert found.verdict is verdict
    assert "two one-sided paired t-tests" in found.decided_by and ", 90 %" in found.interval


def test_more_seeds_would_show_an_equivalence_that_three_leave_open() -> None:
    values = rows(n16_delta1=BASE, n12_delta1=BASE, n14_delta1=BASE) | {"n18_delta1": [BASE + 0.2, BASE, BASE - 0.15]}
    found = verdict_on("C08", runs_with(values))
    assert found.verdict is UNDECIDED and found.more_seeds is not None and 1 <= found.more_seeds < 20


@pytest.mark.parametrize(("general", "verdict"), [(-0.1, SUPPORTED), (0.4, SUPPORTED), (-0.5, CONTRADICTED)])
def test_a_chain_may_stand_still_but_not_fall(general: float, verdict: Verdict) -> None:
    steps = {"dirac": 0.0, "gaussian": 0.1, "general": 0.1 + general, "general_dfl": 0.7}
    values = {f"{name}_{box}": BASE + step for name in ("fcos", "atss") for box, step in steps.items()}
    assert verdict_on("C07", runs_with(rows(**values))).verdict is verdict


@pytest.mark.parametrize(("both", "verdict"), [(1.0, SUPPORTED), (1.8, CONTRADICTED), (0.3, CONTRADICTED)])
def test_gains_add_up_or_do_not(both: float, verdict: Verdict) -> None:
    values = rows(atss=BASE, qfl=BASE + 0.7, dfl=BASE + 0.3, qfl_dfl=BASE + both, gfocal=BASE + both + 1)
    found = verdict_on("C13", runs_with(values))
    assert found.verdict is verdict and len(found.parts) == 4


@pytest.mark.parametrize(("gain50", "gain75", "verdict"), [(1.0, 0.1, SUPPORTED), (0.2, 0.9, CONTRADICTED)])
def test_one_column_gains_more_than_another(gain50: float, gain75: float, verdict: Verdict) -> None:
    def seeds(gain: float, turn: int) -> dict[int, Sample]:
        numbers = zip(near(57 + gain * gain50, turn=turn), near(43 + gain * gain75, turn=turn + 1), strict=True)
        return {seed: a_sample(seed, {"AP50": loose, "AP75": tight}) for seed, (loose, tight) in enumerate(numbers)}

    runs = {f"{name}_{kind}": seeds(kind == "joint", turn)
            for name in ("fcos", "atss") for turn, kind in enumerate(("iou_branch", "joint"))}  # fmt: skip
    assert verdict_on("C03", runs).verdict is verdict


def test_a_size_is_judged_at_the_papers_scale_alone() -> None:
    names = ("foveabox", "retinanet", "ssd512")
    values = {f"{name}_{kind}": BASE + 3 * (kind == "joint") for name in names for kind in ("none", "joint")}
    assert verdict_on("C04", runs_with(rows(**values)), "demo").verdict is SUPPORTED, "it rises"
    assert verdict_on("C04", runs_with(rows(**values)), "paper").verdict is CONTRADICTED, "by much more than 0.8"


def l1_and_l2(diverged: int, l2: float, seeds: int = 3) -> dict[str, dict[int, Sample]]:
    values: dict[str, list[float | None]] = {}
    for name in ("fcos", "atss"):
        values |= rows(**{f"{name}_qfl": BASE, f"{name}_l2": l2})
        values[f"{name}_l1"] = [None] * diverged + [9.0] * (seeds - diverged)
    return runs_with(values)


def test_divergence_is_shown_by_most_runs_and_refuted_by_few() -> None:
    everything = verdict_on("C05", l1_and_l2(3, 15.0))
    assert everything.verdict is SUPPORTED
    assert any("6 of 6 runs diverged (54 to 100 %, 95 %)" in part for part in everything.parts)
    assert verdict_on("C05", l1_and_l2(2, 15.0)).verdict is UNDECIDED
    few = verdict_on("C05", l1_and_l2(0, 15.0))
    p = scipy.stats.binomtest(0, 6, 0.5).pvalue
    assert p < 0.05 < 3 * p, "six runs without divergence are not enough, as one of three parts"
    assert (few.verdict, few.more_seeds) == (UNDECIDED, 1) and f"p = {p:.3f}" in few.parts[0]
    enough = verdict_on("C05", l1_and_l2(0, 15.0, seeds=4))
    assert enough.verdict is CONTRADICTED and "exact binomial test" in enough.decided_by


def test_far_behind_is_three_quarters() -> None:
    assert verdict_on("C05", l1_and_l2(3, 26.0)).verdict is CONTRADICTED


def test_diverged_seeds_are_left_out_and_told() -> None:
    runs = runs_with({"gfocal_with_dgqp": [0.66, None, 0.67], "gfocal_without_dgqp": near(0.63)}, "PCC")
    found = verdict_on("C12", runs)
    assert found.seeds == 2 and '1 of "GFocal with DGQP" diverged' in found.effect
    gone = verdict_on("C12", runs_with({"gfocal_with_dgqp": [None] * 3, "gfocal_without_dgqp": near(0.63)}, "PCC"))
    assert gone.verdict is Verdict.unmeasured and "every run of" in gone.effect and not gone.command
