"""All runs of a folder become one frame; what cannot be read is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gfl_bench.results.metrics import METRICS
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Divergence, Result
from gfl_bench.results.store import COLUMNS, Runs, load_runs


def a_run(runs: Path, seed: int = 0, beta: float = 2.0, diverged: Divergence | None = None) -> RunFolder:
    folder = RunFolder(runs / f"demo-joint--{beta:g}" / f"seed{seed}")
    config = {"quality": {"name": "joint", "beta": beta}, "scale": {"name": "demo"}, "seed": seed, "lr": [1, 2]}
    folder.start(config)
    metrics = {} if diverged else {"AP": 30.0 + seed}
    provenance = {"hardware": {"cpu": "A processor", "cores": 2, "gpus": []}}
    folder.finish(Result(
        "table05.beta2", f"{beta:g}", seed, "demo", "x", config, metrics, provenance=provenance, diverged=diverged,
    ))
    return folder


def columns(runs: Runs, *names: str) -> list[tuple[object, ...]]:
    return list(runs.frame[list(names)].itertuples(index=False, name=None))


def test_each_run_is_a_row_with_its_options_and_metrics(tmp_path: Path) -> None:
    for seed in (0, 1):
        a_run(tmp_path, seed, beta=2.5)
    runs = load_runs(tmp_path)
    assert columns(runs, "seed", "AP", "quality.beta", "scale", "state", "id", "cell") == [
        (seed, 30.0 + seed, 2.5, "demo", "done", "2.5", "table05.beta2") for seed in (0, 1)
    ]
    assert runs.frame["lr"].tolist() == [[1, 2], [1, 2]]
    assert runs.frame["FPS"].isna().all() and runs.frame["FPS"].dtype == float
    assert runs.frame["hardware"].tolist() == ["A processor, 2 cores"] * 2
    assert runs.skipped == []


def test_a_diverged_run_is_a_row_with_step_and_term(tmp_path: Path) -> None:
    a_run(tmp_path, diverged=Divergence(112, "qfl"))
    assert columns(load_runs(tmp_path), "state", "diverged_step", "diverged_term") == [("diverged", 112, "qfl")]


@pytest.mark.parametrize("state", ["running", "failed", "preempted"])
def test_a_run_without_a_result_is_a_row_with_its_state_and_the_config_it_began_with(
    tmp_path: Path, state: str
) -> None:
    folder = RunFolder(tmp_path / "demo--abc" / "seed4")
    folder.start({"quality": {"name": "none"}, "scale": {"name": "demo"}, "seed": 0})
    if state == "failed":
        folder.fail(RuntimeError("no memory"))
    elif state == "preempted":
        folder.preempt(10)
    runs = load_runs(tmp_path)
    assert columns(runs, "state", "id", "seed", "scale", "quality.name") == [(state, "abc", 4, "demo", "none")]
    assert runs.frame[list(METRICS)].isna().all(axis=None)


def test_records_that_are_cut_short_foreign_or_older_are_named_and_the_others_read(tmp_path: Path) -> None:
    a_run(tmp_path, seed=0)
    cut, foreign, older = (a_run(tmp_path, seed).path / "result.json" for seed in (1, 2, 3))
    cut.write_bytes(cut.read_bytes()[:100])
    foreign.write_text('["another tool"]')
    older.write_text(json.dumps(json.loads(older.read_text()) | {"schema": 0}))
    (tmp_path / "demo--empty" / "seed0").mkdir(parents=True)
    runs = load_runs(tmp_path)
    assert columns(runs, "seed") == [(0,)]
    reasons = dict(runs.skipped)
    assert "cut short" in reasons[cut] and "not a JSON object" in reasons[foreign] and "schema 0" in reasons[older]
    assert reasons[tmp_path / "demo--empty" / "seed0" / "status.json"] == "is missing"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metrics": {"AP": float("inf")}}, "not a finite number"),
        ({"metrics": {"AP": float("nan")}}, "not a finite number"),
        ({"metrics": {"AP": 10**400}}, "not a finite number"),
        ({"metrics": {"AP": "31.4"}}, "not a number"),
        ({"state": "diverged"}, "at which step"),
        ({"state": "diverged", "diverged": {"step": "112", "term": "qfl"}}, "at which step"),
    ],
)
def test_a_number_that_no_mean_could_take_is_named_and_never_averaged(
    tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    a_run(tmp_path, seed=0)
    path = a_run(tmp_path, seed=1).path / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    runs = load_runs(tmp_path)
    assert columns(runs, "AP") == [(30.0,)]
    assert [found for found, why in runs.skipped if reason in why] == [path]


@pytest.mark.parametrize("hardware", [None, 3, {}, {"gpus": 2}, {"gpus": {"0": "a"}}, {"gpus": []}])
def test_a_machine_that_is_told_otherwise_is_no_reason_to_lose_the_run(tmp_path: Path, hardware: object) -> None:
    path = a_run(tmp_path).path / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"provenance": {"hardware": hardware}}))
    assert columns(load_runs(tmp_path), "AP") == [(30.0,)]


@pytest.mark.parametrize(
    "config", ["", "[1, 2]", "a: [", "a: 2020-13-45", "? [1, 2]\n: 3", "a: &x [*x]", "\x00", "scale: {name: [1]}"]
)
def test_a_config_that_is_not_ours_is_no_reason_to_lose_a_run_under_way(tmp_path: Path, config: str) -> None:
    folder = RunFolder(tmp_path / "demo--abc" / "seed4")
    folder.start({"scale": {"name": "demo"}})
    (folder.path / "config.yaml").write_text(config)
    assert columns(load_runs(tmp_path), "state", "seed", "scale") == [("running", 4, None)]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_run(tmp_path)
    closed, scandir = tmp_path / "demo--closed", os.scandir
    closed.mkdir()

    def refusing(path: Path) -> object:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    runs = load_runs(tmp_path)
    assert len(runs.frame) == 1 and runs.skipped == [(closed, "cannot be read (Permission denied)")]


def test_what_is_no_run_is_passed_over(tmp_path: Path) -> None:
    a_run(tmp_path)
    (tmp_path / ".hydra").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "file--1").write_text("not a folder")
    (tmp_path / "demo-joint--2" / "plots").mkdir()
    runs = load_runs(tmp_path)
    assert len(runs.frame) == 1 and runs.skipped == []


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_runs_is_an_empty_frame_with_all_columns(tmp_path: Path, exists: bool) -> None:
    runs = load_runs(tmp_path if exists else tmp_path / "none")
    assert len(runs.frame) == 0 and set(COLUMNS) <= set(runs.frame.columns) and runs.skipped == []


def test_reading_runs_imports_no_torch() -> None:
    code = "import sys, gfl_bench.results.store, gfl_bench.results.record; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
