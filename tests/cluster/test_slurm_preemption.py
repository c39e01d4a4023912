"""The cluster takes the node back, or the time of a job is up: its run goes on later, from where it was."""

from __future__ import annotations

import math

import pytest
from sweeping import Desk

pytestmark = pytest.mark.slow
CELL = ("cell=table05.beta2", "machine.speed_images=0")
# SLURM looks every 30 s for jobs to warn, and does so up to 30 s early: between 45 and 75 s after their start.
LIMIT = ("hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=45")
TRAINING = 90  # seconds of training, so that no run ends within the limit


def test_a_more_urgent_job_takes_the_place_of_runs_which_go_on_after_it(desk: Desk) -> None:
    command = desk.sweep(*CELL, "scale.steps_per_epoch=30", "machine.log_every=1", "seed=0,1")
    jobs = [desk.training(seed).job for seed in (0, 1)]
    urgent = desk.fill_node("--partition=urgent", "true")
    assert command.wait() == 0, command.output
    assert desk.job(urgent)["JobState"] == "COMPLETED"
    assert [desk.job(job)["Restarts"] for job in jobs] == ["1", "1"]
    assert all(desk.run(seed).logged == list(range(1, 361)) for seed in (0, 1)), "no step twice, none left out"


def test_a_run_that_meets_its_time_limit_goes_on_as_often_as_allowed(desk: Desk) -> None:
    short = desk.start("gfl_bench.run", "scale=smoke", *CELL, "scale.steps_per_epoch=5", "paths.runs=short")
    assert short.wait() == 0, short.output
    timings = desk.run(0, "short").result["timings"]
    steps = TRAINING * timings["steps"] / timings["training"]
    epoch = f"scale.steps_per_epoch={math.ceil(steps / 12)}"
    often = desk.sweep(*CELL, epoch, *LIMIT, "seed=0", "paths.runs=often")
    never = desk.sweep(*CELL, epoch, *LIMIT, "seed=1", "paths.runs=never", "hydra.launcher.max_num_timeout=0")
    assert never.wait() == 1 and "timed-out too many times" in never.output
    assert desk.run(1, "never").status["state"] == "preempted", "the same command continues"
    assert often.wait() == 0, often.output
    (job,) = desk.jobs("often")
    assert int(desk.job(job)["Restarts"]) >= 1 and desk.run(0, "often").result["state"] == "done"
