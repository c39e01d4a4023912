"""A run's folder is readable at any moment, whoever is killed."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from gfl_bench.results import record
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.provenance import git_state, provenance
from gfl_bench.results.reading import SCHEMA, Unreadable, read_metrics
from gfl_bench.results.record import RunFolder, RunFolderError
from gfl_bench.results.result import Divergence, Result, read_result
from gfl_bench.results.status import STALE_AFTER, Status, read_status

CONFIG = {"quality": {"name": "joint", "beta": 2.0}, "seed": 3}


def a_result(**changes: Any) -> Result:
    values: dict[str, Any] = {
        "cell": "table05.beta2", "id": "0123456789", "seed": 3, "scale": "smoke",
        "command": "python -m gfl_bench.run cell=table05.beta2", "config": CONFIG, "metrics": {"AP": 39.9},
    }
    return Result(**(values | changes))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "smoke--0123456789" / "seed3")


def status_of(folder: RunFolder) -> Status:
    status = folder.status()
    assert isinstance(status, Status)
    return status


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
            order.append(f"{name} {json.loads(content)['state']}")

    watched = Watched(folder.path)
    folder.start(CONFIG)
    watched.finish(a_result())
    assert order == ["result.json done", "status.json done"]


def test_the_result_has_every_metric_and_null_for_what_was_not_measured(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.finish(a_result(metrics={"AP": 39.9, "PCC": float("nan")}))
    result = json.loads((folder.path / "result.json").read_text())
    assert result["metrics"] == dict.fromkeys(METRICS) | {"AP": 39.9}
    assert (result["schema"], result["state"], result["diverged"]) == (SCHEMA, "done", None)
    assert {"cell", "id", "seed", "scale", "command", "config", "timings", "parameters", "flops", "memory",
            "provenance"} < result.keys()


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


@pytest.mark.parametrize("name", ["result.json", "status.json"])
def test_a_record_cut_anywhere_is_unreadable_and_never_an_exception(folder: RunFolder, name: str) -> None:
    folder.start(CONFIG)
    folder.finish(a_result())
    path = folder.path / name
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        found = folder.result() if name == "result.json" else folder.status()
        assert isinstance(found, Unreadable) and found.path == path and found.reason
    path.write_bytes(whole)
    assert folder.is_finished()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[1, 2]", "not a JSON object"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"epoch": 3}', "has schema None"),
        (b'{"schema": 0, "metrics": {}}', "has schema 0"),
        (b'{"schema": 1, "cell": null}', "lacks 'id'"),
        (b'{"schema": 1, "cell": 5}', "has 'cell' of type int"),
    ],
)
def test_a_foreign_or_older_record_is_unreadable_for_a_named_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(content)
    found = read_result(path)
    assert isinstance(found, Unreadable) and reason in found.reason


def test_a_folder_in_place_of_a_record_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "status.json").mkdir()
    found = read_status(tmp_path / "status.json")
    assert isinstance(found, Unreadable) and "cannot be read" in found.reason


def test_a_metric_that_is_text_makes_the_record_unreadable(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.finish(a_result())
    path = folder.path / "result.json"
    path.write_text(path.read_text().replace("39.9", '"39.9"'))
    found = folder.result()
    assert isinstance(found, Unreadable) and "metric" in found.reason


def test_a_write_that_is_interrupted_leaves_the_old_record(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.start(CONFIG)
    folder.finish(a_result(metrics={"AP": 1.0}))

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.finish(a_result(metrics={"AP": 2.0}))
    result = folder.result()
    assert isinstance(result, dict) and result["metrics"]["AP"] == 1.0


def test_a_process_killed_while_it_writes_leaves_whole_records(folder: RunFolder) -> None:
    writer = textwrap.dedent(
        f"""
        from pathlib import Path
        from gfl_bench.results.record import RunFolder
        from gfl_bench.results.result import Result
        folder = RunFolder(Path({str(folder.path)!r}))
        folder.start({{}})
        print("started", flush=True)
        for seed in range(10**9):
            folder.log({{"step": seed}})
            folder.finish(Result("c", "i", seed, "smoke", "x", {{"filler": "y" * 200_000}}))
        """
    )
    with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        for _ in range(50):
            time.sleep(0.004)
            assert isinstance(folder.status(), Status), "a reader sees whole files at any time"
        process.send_signal(signal.SIGKILL)
    result = folder.result()
    assert isinstance(result, dict) and len(result["config"]["filler"]) == 200_000
    assert [line["step"] for line in folder.metrics()] == list(range(len(folder.metrics())))


def test_a_run_is_running_while_its_process_lives_and_its_heart_beats(folder: RunFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert Status("running", pid=other.pid).is_running()
        assert not Status("running", pid=other.pid, heartbeat=time.time() - STALE_AFTER).is_running()
        assert not Status("done", pid=other.pid).is_running()
        other.kill()
    assert not Status("running", pid=other.pid).is_running(), "killed a moment ago, its heartbeat still fresh"
    assert Status("running", pid=other.pid, host=platform.node() + "-other").is_running(), "no one can ask there"


def test_this_process_does_not_take_itself_for_another(folder: RunFolder) -> None:
    folder.start(CONFIG)
    assert not RunFolder(folder.path).is_running(), "a process id that was given again after a restart"


def test_the_heart_beats_without_steps_and_stops_with_the_run(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "BEAT", 0.005)
    folder.start(CONFIG)
    first = status_of(folder).heartbeat
    with folder.beating():
        folder.step(7)
        deadline = time.time() + 5
        while status_of(folder).step != 7 and time.time() < deadline:
            time.sleep(0.005)
        folder.finish(a_result())
        time.sleep(0.03)
        assert status_of(folder).state == "done", "a late beat must not call it running again"
    assert status_of(folder).step == 7 and status_of(folder).heartbeat > first
    last = status_of(folder).heartbeat
    time.sleep(0.03)
    assert status_of(folder).heartbeat == last


def test_the_log_survives_a_line_cut_short_and_steps_told_twice(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.log({"step": 20, "loss": 3.0})
    folder.log({"step": 40, "loss": 2.0})
    with (folder.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 60, "lo')  # killed here, with the checkpoint of step 20
    again = RunFolder(folder.path)
    again.start(CONFIG)
    again.log({"step": 40, "loss": 2.5})
    again.log({"step": 60, "loss": 1.0})
    assert [(line["step"], line["loss"]) for line in again.metrics()] == [(20, 3.0), (40, 2.5), (60, 1.0)]


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.jsonl") == []


def test_provenance_names_code_packages_and_machine_without_importing_torch() -> None:
    code = (
        "import json, sys; from gfl_bench.results.provenance import provenance; "
        "print(json.dumps(provenance())); assert 'torch' not in sys.modules"
    )
    found = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert found["packages"]["torch"] and found["hardware"]["cores"] >= 1 and found["hardware"]["cpu"]
    assert found["hardware"]["gpus"] == [] and found["command_line"] == ["-c"]
    assert found.keys() == provenance().keys()


def test_the_git_state_is_the_commit_and_whether_files_differ(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, capture_output=True, check=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "file").write_text("2")
    assert git_state(tmp_path) == {"commit": git("rev-parse", "HEAD"), "dirty": True}
