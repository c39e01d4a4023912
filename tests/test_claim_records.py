"""Claims about what no table prints are judged by the files of a run: its result, its log, its evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from claimed import a_sample, verdict_on

from analysis.claims import Verdict
from analysis.claims.quantity import quantity
from analysis.claims.recorded import quality_loss_area, quality_loss_end
from analysis.tables.matching import Sample
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Result

NOISE = (0.0, 0.001, -0.0005)  # relative, by seed
SUPPORTED, CONTRADICTED = Verdict.supported, Verdict.contradicted
NEEDED = {"image_id": [1], "positive_image": [0] * 5, "positive_predicted": [0.5] * 5, "side_target": np.zeros((5, 4)),
          "positive_iou": [0.1, 0.4, 0.5, 0.7, 0.9]}  # fmt: skip


def written(
    path: Path, result: Mapping[str, Any] | None = None, losses: Sequence[float] = (),
    evidence: Mapping[str, Any] | None = None, seed: int = 0, hardware: str = "A processor",
) -> Sample:
    """A run with files."""
    folder = RunFolder(path / f"seed{seed}")
    folder.start({})
    folder.finish(Result(cell=None, id="id", seed=seed, scale="demo", command="", config={}))
    values = json.loads((folder.path / "result.json").read_text()) | dict(result or {})
    (folder.path / "result.json").write_text(json.dumps(values))
    for step, loss in enumerate(losses, start=1):
        folder.log({"step": 20 * step, "loss_quality": loss})
    if evidence is not None:
        np.savez(folder.path / "evidence.npz", **{**NEEDED, **evidence})
    return a_sample(seed, {}, hardware, folder.path)


def timed(path: Path, seconds: float, hardware: str = "A processor") -> dict[int, Sample]:
    return {
        seed: replace(
            written(path, {"timings": {"steps": 600}}, seed=seed, hardware=hardware),
            metrics={"training_hours": seconds * (1 + noise) / 6},
        )
        for seed, noise in enumerate(NOISE)
    }  # fmt: skip


def test_seconds_a_step_are_compared_as_a_ratio(tmp_path: Path) -> None:
    atss = {"atss_joint": timed(tmp_path / "atss", 2.0)}
    same = verdict_on("C15", atss | {"gfocal": timed(tmp_path / "same", 2.01)})
    assert same.verdict is SUPPORTED and same.effect.startswith("+0.50 % s a step")
    assert verdict_on("C15", atss | {"gfocal": timed(tmp_path / "slow", 2.2)}).verdict is CONTRADICTED


def test_times_of_two_machines_are_not_compared(tmp_path: Path) -> None:
    runs = {"atss_joint": timed(tmp_path / "atss", 2.0), "gfocal": timed(tmp_path / "gfocal", 2.0, "Another")}
    found = verdict_on("C15", runs)
    assert found.verdict is Verdict.unmeasured and "different machines" in found.effect and not found.command


@pytest.mark.parametrize(("count", "verdict"), [(32_305_935, SUPPORTED), (32_441_946, CONTRADICTED)])
def test_a_count_is_decided_by_one_run(tmp_path: Path, count: int, verdict: Verdict) -> None:
    """32,441,946 is what the detectors here have (docs/correctness.md)."""
    runs = {
        "atss_joint": {0: written(tmp_path / "dirac", {"parameters": 32_293_017})},
        "gfocal_with_dgqp": {0: written(tmp_path / "gfocal", {"parameters": count})},
    }
    found = verdict_on("C23", runs, "paper")
    assert (found.verdict, found.decided_by) == (verdict, "count")
    assert found.effect.startswith("+0.04 %" if verdict is SUPPORTED else "+0.46 %")
    elsewhere = verdict_on("C23", runs, "demo")
    assert elsewhere.verdict is Verdict.unmeasured and "scale=paper" in elsewhere.command


@pytest.mark.parametrize(("share", "cost", "verdict"), [(24.54, 1.0, SUPPORTED), (3.0, 1.0, CONTRADICTED)])
def test_displacements_are_read_from_the_result(tmp_path: Path, share: float, cost: float, verdict: Verdict) -> None:
    runs = {}
    for seed, noise in enumerate(NOISE):
        found = {"share": share * (1 + noise), "ap50_cost": cost * (1 + noise)}
        runs[seed] = written(tmp_path, {"displacement": found}, seed=seed)
    assert verdict_on("C18", {"fcos_centerness_branch": runs}).verdict is verdict


def test_a_loss_curve_has_an_area_and_an_end(tmp_path: Path) -> None:
    run = written(tmp_path, losses=[1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert quality_loss_area(run) == pytest.approx(0.55)
    assert quality_loss_end(run) == pytest.approx(0.15), "two lines of ten"
    assert quality_loss_end(written(tmp_path / "none")) is None


@pytest.mark.parametrize(("with_dgqp", "verdict"), [((0.8, 0.5), SUPPORTED), ((0.8, 0.7), CONTRADICTED)])
def test_a_curve_must_fall_faster_and_lower(tmp_path: Path, with_dgqp: tuple[float, float], verdict: Verdict) -> None:
    def curves(name: str, early: float, late: float) -> dict[int, Sample]:
        return {seed: written(tmp_path / name, losses=[(early + noise)] * 8 + [(late + noise)] * 2, seed=seed)
                for seed, noise in enumerate(NOISE)}  # fmt: skip

    runs = {"gfocal_with_dgqp": curves("with", *with_dgqp), "gfocal_without_dgqp": curves("without", 1.0, 0.6)}
    assert verdict_on("C22", runs).verdict is verdict


def test_background_and_targets_are_shares_of_their_histograms(tmp_path: Path) -> None:
    background = np.zeros(100, np.int64)
    background[[10, 49, 50, 99]] = 90, 6, 3, 1  # the bin from 0.50 on is high
    targets = np.zeros(129, np.int64)
    targets[[0, 59, 60, 128]] = 50, 40, 7, 3  # bins of 0.25: the one from 14.75 to 15 is the 60th
    run = written(tmp_path, evidence={"background_quality": background, "target_histogram": targets})
    assert quantity("background_quality").read(run) == pytest.approx(4.0)
    assert quantity("targets_to_15").read(run) == pytest.approx(90.0)
    assert verdict_on("C24", {"atss": {0: run}}).verdict is CONTRADICTED, "a count needs one run"


def test_flat_sides_are_held_against_ambiguity_within_each_level(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stride = np.array([8, 8, 8, 16, 16], np.float16)
    sigma = rng.uniform(0.3, 12, (5, 4)).astype(np.float32)
    coarse = (stride > 8)[:, None]
    follows = np.where(coarse, np.log(sigma) - 9, np.log(sigma))  # a level's offset says nothing of an edge
    opposes = np.where(coarse, -sigma, sigma)
    arrays = {"side_sigma": sigma, "positive_stride": stride}
    run = written(tmp_path, evidence={"side_entropy": follows, **arrays})
    assert quantity("flatness_correlation").read(run) == pytest.approx(1.0)
    run = written(tmp_path / "opposed", evidence={"side_entropy": opposes, **arrays})
    assert quantity("flatness_correlation").read(run) == pytest.approx((3 - 2) / 5), "by the positives of each level"
    real = written(tmp_path / "photographs", evidence={"side_entropy": follows, "positive_stride": stride})
    assert quantity("flatness_correlation").read(real) is None, "nobody knows the ambiguity of a photograph"


def test_top_1_is_the_mean_of_four_sides(tmp_path: Path) -> None:
    iou = np.array(NEEDED["positive_iou"])
    noise = np.array([[0.1, -0.1, 0.05, -0.05]] * 5)
    run = written(tmp_path, evidence={"side_top1": iou[:, None] / 2 + noise})
    assert quantity("top1_correlation").read(run) == pytest.approx(1.0)


def test_records_that_do_not_tell_say_how_they_are_made_to(tmp_path: Path) -> None:
    runs = {row: {0: written(tmp_path / row)} for row in ("gfocal_with_dgqp", "gfocal_without_dgqp")}
    found = verdict_on("C20", runs)
    assert found.verdict is Verdict.unmeasured
    assert found.effect.startswith('the records of "GFocal without DGQP" and "GFocal with DGQP" do not tell')
    assert "cell=table10.gfocal_without_dgqp,table10.gfocal_with_dgqp" in found.command
