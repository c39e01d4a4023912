"""A record is readable at any moment, whoever was killed; what is not a record is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from run_folder import CONFIG, a_result

from gfl_bench.results.reading import Unreadable, read_metrics
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import read_result
from gfl_bench.results.status import Status, read_status


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
        for seed in range(10**9):
            folder = RunFolder(Path({str(folder.path)!r}) / f"seed{{seed}}")
            folder.start({{}})
            print(seed, flush=True)
            folder.log({{"step": seed}})
            folder.finish(Result("c", "i", seed, "smoke", "x", {{"filler": "y" * 200_000}}))
        """
    )
    with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(50):
            latest = RunFolder(folder.path / f"seed{int(process.stdout.readline())}")
            assert isinstance(latest.status(), Status), "a reader sees whole files at any time"
        process.send_signal(signal.SIGKILL)
    written = list(folder.path.glob("*/result.json"))
    assert len(written) >= 49
    for path in written:
        result = read_result(path)
        assert isinstance(result, dict) and len(result["config"]["filler"]) == 200_000


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
