"""A run's folder goes from state to state and ends with a result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from run_folder import CONFIG, a_result, status_of

from gfl_bench.results.metrics import METRICS
from gfl_bench.results.reading import SCHEMA
from gfl_bench.results.record import RunFolder, RunFolderError
from gfl_bench.results.result import Divergence


def test_a_run_goes_from_nothing_over_running_to_done(folder: RunFolder) -> None:
    assert not folder.is_finished() and not folder.is_running()
    folder.start(CONFIG, steps=600)
    folder.log({"step": 20, "loss": 1.5})
    assert (status_of(folder).state, status_of(folder).steps, folder.is_finished()) == ("running", 600, False)
    folder.finish(a_result())
    assert (status_of(folder).state, status_of(folder).step) == ("done", 20)
    assert folder.is_finished() and not folder.is_running()


def test_the_state_becomes_done_only_after_the_result_is_there(folder: RunFolder) -> None:
    order: list[str] = []

    class Watched(RunFolder):
        def _write(self, name: str, content: bytes) -> None:
            super()._write(name, content)
            if name.endswith(".json"):
                order.append(f"{name} {json.loads(content)['state']}")

    watched = Watched(folder.path)
    watched.start(CONFIG)
    watched.finish(a_result())
    assert order == ["status.json running", "result.json done", "status.json done"]


def test_the_result_has_every_metric_and_null_for_what_was_not_measured(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.finish(a_result(metrics={"AP": 39.9, "PCC": float("nan")}))
    result = json.loads((folder.path / "result.json").read_text())
    assert result["metrics"] == dict.fromkeys(METRICS) | {"AP": 39.9}
    assert (result["schema"], result["state"], result["diverged"]) == (SCHEMA, "done", None)
    assert {"cell", "id", "seed", "scale", "command", "config", "timings", "parameters", "flops", "memory",
            "provenance"} < result.keys()


def test_numbers_that_json_does_not_know_lose_no_run(folder: RunFolder) -> None:
    folder.start(CONFIG)
    odd = {"nested": [np.float32(0.5), np.int64(2), float("inf"), True]}
    folder.finish(a_result(metrics={"AP": np.float64(39.9)}, timings=odd))
    result = folder.result()
    assert isinstance(result, dict)
    assert result["timings"] == {"nested": [0.5, 2, None, True]} and result["metrics"]["AP"] == 39.9


def test_a_metric_that_no_table_knows_is_refused(folder: RunFolder) -> None:
    with pytest.raises(ValueError, match="mAP"):
        a_result(metrics={"mAP": 39.9}).as_json()


def test_divergence_is_a_result_with_its_step_and_term(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.finish(a_result(metrics={}, diverged=Divergence(112, "qfl")))
    result = folder.result()
    assert isinstance(result, dict)
    assert (result["state"], result["diverged"]) == ("diverged", {"step": 112, "term": "qfl"})
    assert status_of(folder).state == "diverged" and "qfl" in status_of(folder).message
    assert folder.is_finished(), "it would diverge again"


def test_a_failed_or_preempted_run_is_not_finished_and_says_why(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.preempt(step=40)
    assert (status_of(folder).state, status_of(folder).step, folder.is_finished()) == ("preempted", 40, False)
    folder.fail(RuntimeError("out of memory"))
    assert (status_of(folder).state, status_of(folder).message) == ("failed", "RuntimeError: out of memory")
    assert not folder.is_finished() and not folder.is_running()


def test_failing_before_there_is_a_folder_raises_nothing(folder: RunFolder) -> None:
    folder.fail(RuntimeError("no data"))
    assert not folder.path.exists()


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence_before_training(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file in the way")
    with pytest.raises(RunFolderError, match=r"seed0 cannot be written .*paths\.runs=DIR$"):
        RunFolder(tmp_path / "runs" / "x--1" / "seed0").start(CONFIG)
