"""Whether a run is under way can be told from outside."""

from __future__ import annotations

import platform
import subprocess
import sys
import time

import pytest
from run_folder import CONFIG, a_result, status_of

from gfl_bench.results import record
from gfl_bench.results.record import RunFolder
from gfl_bench.results.status import STALE_AFTER, Status


def test_a_run_is_running_while_its_process_lives_and_its_heart_beats(folder: RunFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert Status("running", pid=other.pid).is_running()
        assert not Status("running", pid=other.pid, heartbeat=time.time() - STALE_AFTER).is_running()
        assert not Status("done", pid=other.pid).is_running()
        other.kill()
    assert not Status("running", pid=other.pid).is_running(), "killed a moment ago, its heartbeat still fresh"
    assert Status("running", pid=other.pid, host=platform.node() + "-other").is_running(), "no one can ask there"
    future = time.time() + 2 * STALE_AFTER  # a clock that was put back since
    assert not Status("running", host=platform.node() + "-other", heartbeat=future).is_running()


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
