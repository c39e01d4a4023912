"""Runs of several processes, on CPUs: they are one run, and what stops one of them stops it as a whole."""

from __future__ import annotations

import os
import signal

import pytest
from daemons import running
from run_state import assert_same_state
from sweeping import Desk

pytestmark = pytest.mark.slow
TWO = ("hydra.launcher.tasks_per_node=2", "hydra.launcher.cpus_per_task=1")
CELL = ("cell=table05.beta2", "precision=fp32", "machine.speed_images=0")
LONG = (*CELL, "scale.steps_per_epoch=10", "machine.log_every=1")
BREAKS = '''
import os

if (os.environ.get("SLURM_PROCID"), os.environ.get("SLURM_ARRAY_TASK_ID")) == ("1", "0"):
    from gfl_bench.experiment import Experiment

    def train(self):
        raise OSError("the lens of rank 1 is broken")

    Experiment._train = train
'''  # in the second process of the first job


def rank_one(job: str) -> int:
    """Id of the second process of a job."""
    array, _, number = job.partition("_")
    mine = {"SLURM_ARRAY_JOB_ID": array, "SLURM_ARRAY_TASK_ID": number, "SLURM_PROCID": "1"}
    return min(process for process, _, of in running() if mine.items() <= of.items())


def test_a_process_that_fails_is_the_reason_of_its_run_and_the_other_run_is_done(desk: Desk) -> None:
    (desk.folder / "sitecustomize.py").write_text(BREAKS)
    path = f"{desk.folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    command = desk.sweep(*CELL, *TWO, "seed=0,1", "paths.runs=broken", path=path)
    assert command.wait() == 1 and "1 of 2 runs failed" in command.output
    broken, whole = (desk.run(seed, "broken") for seed in (0, 1))
    message = broken.status["message"]
    assert broken.status["state"] == "failed" and "rank 1 of 2" in message.splitlines()[0]
    assert "OSError: the lens of rank 1 is broken" in message
    assert 'sitecustomize.py", line 8, in train' in message, "its own traceback"
    assert "Connection closed by peer" not in message
    assert whole.result["provenance"]["processes"] == 2


class Disturbed:
    """Two runs of two processes each: the second process of one is asked to stop, the other's is killed."""

    def __init__(self, desk: Desk) -> None:
        runs = ("scale=smoke", *LONG, "seed=0", "paths.runs=undisturbed")
        torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "gfl_bench.run")
        self.undisturbed = desk.start(*torchrun, *runs)
        self.command = desk.sweep(*LONG, *TWO, "seed=0,1")
        self.killed = desk.training(1)
        os.kill(rank_one(self.killed.job), signal.SIGKILL)
        self.asked = desk.training(0)
        self.job = self.asked.job
        os.kill(rank_one(self.job), signal.SIGUSR2)
        self.exit_code = self.command.wait()
        self.message = self.killed.status["message"]


@pytest.fixture(scope="module")
def disturbed(desk: Desk) -> Disturbed:
    return Disturbed(desk)


def test_a_stop_of_one_process_stops_all_at_one_step_and_the_run_goes_on_bit_for_bit(
    desk: Desk, disturbed: Disturbed
) -> None:
    assert desk.job(disturbed.job)["Restarts"] == "1"
    assert disturbed.asked.logged == list(range(1, 121)), "no step twice, none left out"
    assert disturbed.undisturbed.wait() == 0, disturbed.undisturbed.output
    assert_same_state(disturbed.asked, desk.run(0, "undisturbed"))


def test_a_process_that_is_killed_fails_its_run_which_the_same_command_continues(
    desk: Desk, disturbed: Disturbed
) -> None:
    assert disturbed.exit_code == 1
    assert "rank 1 of 2 ended without a word" in disturbed.message
    again = desk.sweep(*LONG, *TWO, "seed=0,1")
    assert again.wait() == 0, again.output
    assert disturbed.killed.result["state"] == "done"
