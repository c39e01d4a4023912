"""The screen of a sweep is honest: of what is stale, of what is lost, of when it ends."""

from __future__ import annotations

import re
import time
from pathlib import Path
from time import sleep
from types import SimpleNamespace

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from swept import finish, leave, log, planned, say

from gfl_bench.sweep.plan.cost import Costs
from gfl_bench.sweep.selection import Planned
from gfl_bench.sweep.status import command, queued
from gfl_bench.sweep.status.command import Watcher
from gfl_bench.sweep.status.eta import estimate
from gfl_bench.sweep.status.watch import Watched
from gfl_bench.sweep.submit.queue import QueueError
from gfl_bench.sweep.submit.submission import Submission, Task


def submit(
    runs: Path, *tasks: tuple[Planned, str | None], executor: str = "slurm", host: str = "login1",
    after: str | None = None,
) -> None:  # fmt: skip
    """What ``submit`` leaves behind; all but the first task waited for the job ``after``."""
    folder = runs / ".sweeps" / "20250101-000000"
    folder.mkdir(parents=True)
    written = [
        Task(str(run.folder.relative_to(runs)), run.cell, run.seed, f"python -m gfl_bench.run cell={run.cell}", 60, job,
             after if place else None)
        for place, (run, job) in enumerate(tasks)
    ]  # fmt: skip
    Submission(folder, time.time(), "submit", executor, host, None, tuple(written)).write()


def test_everything_that_is_there_is_told_in_its_state(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = planned(runs, "table05")
    finish(found[0])
    leave(found[1], "running", step=240, steps=600)
    log(found[1], [3, 2, 1])
    leave(found[4], "failed", message="DataError: no image 12\nTraceback, line 2")
    leave(found[3], "preempted", step=40, steps=600, message="start it again to continue")
    code, out, _ = say(capsys, "status", "--runs", runs)
    assert code == 0
    assert "4 runs" in out and "1 done, 1 running, 1 preempted, 1 failed" in out
    assert re.search(r"table05\.beta1 seed 0 .* 240/600 .*2 steps/s, 3 min left", out)
    assert "table05.beta4 seed 0: DataError: no image 12" in out and "Traceback" not in out
    code, out, _ = say(capsys, "status", "table05", "--seeds", "0", "--runs", runs)
    assert "5 runs" in out and "1 to run" in out


@pytest.mark.parametrize(
    ("age", "words"),
    [(840, "says running, no heartbeat for 14 min on host node7"),
     (-7200, r"says running, its heartbeat is 2 h ahead of the clock of \S+")],
)  # fmt: skip
def test_a_stale_heartbeat_is_told_as_such(
    runs: Path, capsys: pytest.CaptureFixture[str], age: float, words: str
) -> None:
    (run,) = planned(runs, "table05.beta1")
    leave(run, "running", age=age, step=300, steps=600)
    _, out, _ = say(capsys, "status", "--runs", runs)
    assert "1 stale" in out and "0/1" in out
    assert re.search(words, " ".join(out.split()))
    assert "No time of its end" in out


def test_a_process_that_is_gone_from_this_host_is_told_at_once(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.node", lambda: "node7")
    (run,) = planned(runs, "table05.beta1")
    leave(run, "running", pid=2**22 + 1)
    _, out, _ = say(capsys, "status", "--runs", runs)
    assert f"its process {2**22 + 1} is gone from host node7" in " ".join(out.split())


def test_jobs_are_queued_or_lost(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, requeued, gone, open_ = planned(runs, "table05.beta1", seeds=range(4))
    leave(requeued, "preempted", step=40, steps=600)
    submit(runs, (waits, "12_0"), (requeued, "12_1"), (gone, "12_2"), (open_, None))
    monkeypatch.setattr(queued, "live_jobs", lambda _: {"12_0": "PENDING", "12_1": "REQUEUED"})
    _, out, _ = say(capsys, "status", "--runs", runs)
    words = " ".join(out.split())
    assert "2 queued, 1 lost, 1 to run" in words
    assert "its job 12_2 is gone and left nothing" in words and "jobs/12_2/12_2_0_log.err" in "".join(out.split())
    assert "its job is REQUEUED" in words


@pytest.mark.parametrize(("ended", "words"), [("failed", "1 failed, 1 to run"), ("done", "1 done, 1 lost")])
def test_who_waited_for_a_canary_that_failed_never_began(
    ended: str, words: str, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    canary, other = planned(runs, "table05.beta1", seeds=range(2))
    submit(runs, (canary, "12"), (other, "13_0"), after="12")
    finish(canary) if ended == "done" else leave(canary, "failed", message="no data")
    monkeypatch.setattr(queued, "live_jobs", lambda _: {})
    assert words in say(capsys, "status", "--runs", runs)[1]


def test_a_watched_screen_looks_for_a_tenth_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    watcher, pauses = SimpleNamespace(unfinished=1, look=lambda: time.sleep(0.5) or Text()), list[float]()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        watcher.unfinished = 2 - len(pauses)

    monkeypatch.setattr(command.time, "sleep", lambda seconds: pause(seconds) if seconds > 1 else sleep(seconds))
    command._live(Console(), watcher)  # type: ignore[arg-type]
    assert len(pauses) == 2 and all(4.9 < seconds < 9 for seconds in pauses)


def test_a_queue_that_does_not_answer_loses_nothing(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> dict[str, str]:
        raise QueueError("squeue does not answer: timed out")

    (run,) = planned(runs, "table05.beta1")
    submit(runs, (run, "12"))
    monkeypatch.setattr(queued, "live_jobs", refuse)
    _, out, _ = say(capsys, "status", "--runs", runs)
    assert "squeue does not answer: timed out" in out and "1 to run" in out and "lost" not in out


def test_a_process_of_another_host_is_not_called_lost(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = planned(runs, "table05.beta1")
    submit(runs, (run, "4711"), executor="local", host="another")
    _, out, _ = say(capsys, "status", "--runs", runs)
    assert "1 to run" in out and "lost" not in out


def test_the_time_to_the_end_is_what_is_left_over_those_at_work(runs: Path) -> None:
    done, running, waiting, known = planned(runs, "table05.beta1", seeds=range(4))
    finish(done, step_seconds=0.5, other=0)  # 300 s a run
    watched = [
        Watched(done, "done"), Watched(running, "running", step=200, steps=600, rate=1.0),  # 400 s left
        Watched(waiting, "absent"), Watched(known, "preempted", step=300, steps=600),  # 300 s and 150 s left
    ]  # fmt: skip
    eta = estimate(watched, Costs(runs))
    assert eta is not None
    assert (eta.seconds, eta.at_work, eta.guessed) == (pytest.approx(850), 1, 0)
    assert eta.low < eta.seconds < eta.high
    watched += [Watched(done, "running", step=599, steps=600, rate=1.0)]  # 1 s left, two at work
    eta = estimate(watched, Costs(runs))
    assert eta is not None and eta.seconds == pytest.approx(425.5)


def test_the_end_is_not_before_that_of_the_longest_run(runs: Path) -> None:
    (run,) = planned(runs, "table05.beta1")
    fast, slow = (Watched(run, "running", step=0, steps=100, rate=rate) for rate in (10.0, 0.1))
    eta = estimate([fast, slow], Costs(runs))
    assert eta is not None and eta.seconds == pytest.approx(1000)


def test_runs_of_unknown_cost_are_taken_for_the_mean_and_counted(runs: Path) -> None:
    (run,) = planned(runs, "table05.beta1")
    eta = estimate([Watched(run, "running", step=50, steps=100, rate=1.0), Watched(run, "absent")], Costs(runs))
    assert eta is not None and (eta.seconds, eta.guessed) == (150, 1)


def test_piped_it_is_plain_text_of_80_columns(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for number, run in enumerate(planned(runs, "table05", "table02", seeds=[0])):
        leave(run, ("running", "failed", "stale")[number % 3].replace("stale", "running"), age=9999 * (number % 3 == 2),
              step=10_000, steps=90_000, message="ValueError: " + "word " * 40)  # fmt: skip
    for asked in (["status", "--live"], ["plan"], ["list"], ["why", "table05.beta2"]):
        _, out, _ = say(capsys, *asked, "--runs", runs)
        copied = ("command", "again:", "folder", "records", "Costs", "They", "scale", "seed 0", "Disk")
        lines = [line for line in out.splitlines() if not line.strip().startswith(copied)]
        assert "\x1b" not in out
        assert max(map(cell_len, lines)) <= 80


def test_one_screen_holds_a_sweep_of_hundreds(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run in planned(runs, "table05", "table07", seeds=range(10)):
        leave(run, "failed", message="ValueError: no")
    _, out, _ = say(capsys, "status", "--runs", runs)
    assert "150 failed" in out and "and 140 more" in out
    assert len(out.splitlines()) < 24


def test_foreign_folders_and_torn_files_are_no_reason_to_stop(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place, text in (("mine--1/seed0", "{"), ("mine--2/seedx", "[]"), ("mine--3/seed1", '{"schema": 9}')):
        (runs / place).mkdir(parents=True)
        (runs / place / "status.json").write_text(text)
        (runs / place / "config.yaml").write_text("a: [1")
    (runs / "mine--4" / "seed0").mkdir(parents=True)
    code, out, _ = say(capsys, "status", "--runs", runs)
    assert code == 0
    assert "3 failed, 1 to run" in out and "is cut short or not JSON" in " ".join(out.split())


def test_a_watcher_sees_what_is_finished_meanwhile(runs: Path) -> None:
    one, two = planned(runs, "table05.beta1", seeds=[0, 1])
    leave(one, "running")
    watcher = Watcher(runs, [one, two])
    watcher.look()
    assert watcher.unfinished == 2
    finish(two)
    watcher.look()
    assert watcher.unfinished == 1


def test_nothing_at_all_is_said_plainly(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = say(capsys, "status", "--runs", runs)
    assert code == 0 and "0 runs" in out
