"""A bad night: of the six runs of an array one is killed, one cancelled, one preempted, and one fails by itself."""

from __future__ import annotations

import os
import signal

import pytest
from run_state import assert_same_state
from sweeping import Command, Desk

from gfl_bench.config.compose import compose_config
from gfl_bench.config.identity import run_name

pytestmark = pytest.mark.slow
CELL = ("cell=table05.beta2", "scale.steps_per_epoch=20")
SIX = "seed=0,1,2,3,4,5"
KILLED, CANCELLED, PREEMPTED, FAILING = 1, 2, 3, 4  # seeds of six


class Night:
    """What happened, and how far the sweep was in the morning."""

    def __init__(self, desk: Desk) -> None:
        name = run_name(compose_config(["scale=smoke", *CELL]))
        self.in_the_way = desk.folder / "runs" / name / f"seed{FAILING}/metrics.jsonl"
        self.in_the_way.mkdir(parents=True)
        stopped = f"seed={KILLED},{PREEMPTED}"
        self.undisturbed = desk.start("gfl_bench.run", "-m", "scale=smoke", *CELL, stopped, "paths.runs=undisturbed")
        self.command = desk.sweep(*CELL, SIX)
        killed = desk.training(KILLED)
        self.job = killed.job.partition("_")[0]
        os.kill(killed.status["pid"], signal.SIGKILL)
        desk.lab.output("scancel", desk.training(CANCELLED).job)
        desk.lab.output("scancel", "--signal=USR2", desk.training(PREEMPTED).job)  # which repeats it to jobs of arrays
        self.exit_code = self.command.wait()
        self.states = [desk.run(seed).status["state"] for seed in range(6)]


@pytest.fixture(scope="module")
def night(desk: Desk) -> Night:
    return Night(desk)


@pytest.fixture(scope="module")
def morning(desk: Desk, night: Night) -> Command:
    """The same command again, what was in the way being removed."""
    night.in_the_way.rmdir()
    command = desk.sweep(*CELL, SIX)
    command.wait()
    return command


def test_the_others_are_done_and_the_exit_code_is_true(night: Night) -> None:
    assert night.exit_code == 1, night.command.output
    assert night.states == ["done", "running", "preempted", "done", "failed", "done"], "a killed run has no last word"


def test_the_command_says_how_each_run_ended(night: Night) -> None:
    said = night.command.output
    assert said.count("of 6: ") == 6 and said.count(": done") == 3
    assert f"{night.job}_{KILLED} died (FAILED)" in said
    assert f"{night.job}_{CANCELLED} died (CANCELLED)" in said


def test_a_preempted_run_was_queued_again(desk: Desk, night: Night) -> None:
    restarts = [int(desk.job(f"{night.job}_{seed}")["Restarts"]) for seed in range(6)]
    preempted = restarts.pop(PREEMPTED)  # once more where the repeated signal met the restarted job
    assert preempted >= 1 and not any(restarts)


def test_what_failed_by_itself_says_why(desk: Desk, night: Night) -> None:
    assert str(night.in_the_way.parent) in desk.run(FAILING).status["message"]


def test_the_same_command_in_the_morning_finishes_the_rest_alone(desk: Desk, night: Night, morning: Command) -> None:
    assert morning.process.returncode == 0, morning.output
    assert morning.output.count(": skipped") == 3 and morning.output.count(": done") == 3
    assert all(desk.run(seed).result["state"] == "done" for seed in range(6))


@pytest.mark.parametrize("seed", [KILLED, PREEMPTED])
def test_what_was_stopped_equals_what_was_not_bit_for_bit(
    desk: Desk, night: Night, morning: Command, seed: int
) -> None:
    assert night.undisturbed.wait() == 0, night.undisturbed.output
    assert_same_state(desk.run(seed), desk.run(seed, "undisturbed"))
