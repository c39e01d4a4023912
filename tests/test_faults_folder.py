"""A run that lost its folder writes nothing there, and a finished result stays what it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from run_folder import CONFIG, a_result, status_of

from gfl_bench.claim import Held, Lost
from gfl_bench.results.record import RunFolder, RunFolderError


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.path.iterdir()}


def test_who_lost_the_folder_to_another_process_writes_nothing_any_more(folder: RunFolder) -> None:
    folder.start(CONFIG)
    other = RunFolder(folder.path)
    other.start(CONFIG)
    before = contents(folder)
    for write in (folder.check, lambda: folder.log({"step": 4}), lambda: folder.finish(a_result())):
        with pytest.raises(Lost, match="taken over by another process"):
            write()
    folder.preempt(step=4)
    folder.fail(RuntimeError("too late"))
    assert contents(folder) == before
    other.finish(a_result())


def test_a_failure_after_letting_go_does_not_overwrite_the_next_holders_status(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.preempt(step=4)
    other = RunFolder(folder.path)
    other.start(CONFIG)
    folder.fail(RuntimeError("too late"))
    assert status_of(folder).state == "running"


@pytest.mark.parametrize("links", [True, False])
def test_a_finished_result_is_never_overwritten(
    links: bool, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "a file system without links")

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    slow = RunFolder(folder.path)
    slow.start(CONFIG)
    (folder.path / "result.json").write_text(json.dumps(a_result(metrics={"AP": 1.0}).as_json()))
    with pytest.raises(Lost, match="whose result stays"):
        slow.finish(a_result(metrics={"AP": 2.0}))
    result = folder.result()
    assert isinstance(result, dict) and result["metrics"]["AP"] == 1.0
    slow.release()
    with pytest.raises(Held, match="finished by another process"):
        folder.start(CONFIG)
    assert not list(folder.path.glob(".claim*")), "and it lets go"


def test_a_failure_after_the_result_does_not_take_it_back(folder: RunFolder) -> None:
    folder.start(CONFIG)
    folder.finish(a_result())
    folder.fail(RuntimeError("afterwards"))
    folder.preempt()
    assert status_of(folder).state == "done"


def test_a_run_whose_folder_is_removed_says_so_and_does_not_make_it_again(folder: RunFolder) -> None:
    folder.start(CONFIG)
    shutil.rmtree(folder.path)
    with pytest.raises(RunFolderError, match="was removed under the run"):
        folder.log({"step": 4})
    folder.fail(RuntimeError("gone"))
    assert not folder.path.exists()


def test_rubbish_in_the_folder_is_replaced_or_kept_aside_but_never_fatal(folder: RunFolder) -> None:
    folder.path.mkdir(parents=True)
    for name in ("status.json", "config.yaml", "result.json", "metrics.jsonl"):
        (folder.path / name).write_bytes(b"\xff rubbish {")
    (folder.path / ".result.json.0123456789ab.partial").write_bytes(b"of a process that was killed")
    folder.start(CONFIG)
    folder.log({"step": 4, "loss": 1.0})
    folder.finish(a_result())
    assert folder.is_finished() and status_of(folder).state == "done"
    assert folder.metrics() == [{"step": 4, "loss": 1.0}]
    assert (folder.path / "result.json.unreadable").read_bytes() == b"\xff rubbish {"
    assert not list(folder.path.glob(".*"))
