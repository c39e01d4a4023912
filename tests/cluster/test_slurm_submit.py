"""``sweep submit`` and ``sweep status`` beside a queue that is full at first, so that what is submitted waits."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
from daemons import wait_until
from sweeping import Desk

import gfl_bench

pytestmark = pytest.mark.slow
CHECKOUT = Path(gfl_bench.__file__).parents[1]
SMOKE = ("--scale=smoke", "--seeds=0")


class Submission:
    """A table, submitted twice with a canary, from a checkout whose files are spoilt before the first job begins."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        checkout = desk.folder / "checkout"
        for name in ("gfl_bench", "hydra_plugins", "conf", "sweeps"):
            shutil.copytree(CHECKOUT / name, checkout / name)
        self.filler = desk.fill_node("sleep 3600")
        wait_until(lambda: desk.queue() == {self.filler: "RUNNING"})
        self.said = self.ask("submit", "--canary", folder=checkout)
        self.queue = desk.queue()
        self.status = self.ask("status")
        self.said_again = self.ask("submit", folder=checkout)
        self.queue_again = desk.queue()
        for path in (checkout / "gfl_bench").rglob("*.py"):
            path.write_text("raise SystemError('edited after the submission')")
        (checkout / "conf/config.yaml").write_text("nonsense")
        desk.lab.output("scancel", self.filler)
        wait_until(lambda: not desk.queue(), seconds=600)

    def ask(self, command: str, *options: str, folder: Path | None = None) -> str:
        runs = f"--runs={self.desk.folder / 'runs'}"
        return self.desk.ask("gfl_bench.sweep", command, "table05", *SMOKE, runs, *options, folder=folder)


@pytest.fixture(scope="module")
def submission(desk: Desk) -> Submission:
    return Submission(desk)


def test_what_is_submitted_is_queued_and_told(submission: Submission) -> None:
    assert "5 to submit" in submission.said
    assert sorted(submission.queue.values()) == ["PENDING"] * 5 + ["RUNNING"], "the last is what fills the node"
    assert "5 queued" in submission.status


def test_a_second_submission_submits_nothing(submission: Submission) -> None:
    assert "5 queued, 0 to submit" in submission.said_again
    assert submission.queue_again == submission.queue


def test_the_others_begin_when_the_canary_has_succeeded(desk: Desk, submission: Submission) -> None:
    jobs = {job: desk.job(job) for job in submission.queue if job != submission.filler}
    (canary,) = (job for job in jobs if "_" not in job)
    others = [job["StartTime"] for name, job in jobs.items() if name != canary]
    assert len(others) == 4 and min(others) >= jobs[canary]["EndTime"]


def test_edits_after_the_submission_do_not_reach_its_jobs(desk: Desk, submission: Submission) -> None:
    assert "5 done, 0 to submit" in submission.ask("submit")
    assert "5 done" in submission.ask("status")


def test_a_dry_run_submits_nothing(desk: Desk) -> None:
    assert "5 to submit" in desk.ask("gfl_bench.sweep", "submit", "table05", *SMOKE, "--dry-run", "--runs=dry")
    assert not desk.queue() and not (desk.folder / "dry").exists()


def test_where_the_canary_fails_nothing_else_begins(desk: Desk) -> None:
    arguments = ("table05", *SMOKE, "--runs=failing")
    desk.ask("gfl_bench.sweep", "submit", *arguments, "data=coco", "--canary")
    wait_until(lambda: not desk.queue())
    assert len(list(desk.folder.glob("failing/*/seed0"))) == 1
    assert "1 failed, 4 to run" in desk.ask("gfl_bench.sweep", "status", *arguments, "data=coco")


def test_a_job_that_was_killed_is_submitted_again_and_goes_on(desk: Desk) -> None:
    arguments = ("table05.beta2", *SMOKE, "scale.steps_per_epoch=20", "machine.log_every=1", "--runs=killed")
    desk.ask("gfl_bench.sweep", "submit", *arguments)
    run = desk.training(0, "killed")
    os.kill(run.status["pid"], signal.SIGKILL)
    wait_until(lambda: not desk.queue())
    step = run.checkpoint["step"]
    assert "1 stale" in desk.ask("gfl_bench.sweep", "status", *arguments)
    assert "1 to submit" in desk.ask("gfl_bench.sweep", "submit", *arguments)
    wait_until(lambda: not desk.queue())
    assert run.result["state"] == "done" and run.logged.count(step) == 1, "it did not start afresh"
