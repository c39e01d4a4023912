"""Sweeps as arrays of jobs."""

from __future__ import annotations

import json

import pytest
from daemons import wait_until
from sweeping import Desk

SIX = ("sweep=table04", "seed=0", "paths.cache=cache")


def test_the_rows_of_a_table_are_one_array_and_a_second_time_nothing_runs_again(desk: Desk) -> None:
    command = desk.sweep(*SIX)
    assert command.wait() == 0, command.output
    results = {path: path.read_bytes() for path in desk.folder.glob("runs/*/seed0/result.json")}
    cells = {json.loads(result)["cell"] for result in results.values()}
    assert cells == {f"table04.{detector}_{loss}" for detector in ("fcos", "atss") for loss in ("l1", "l2", "qfl")}
    (array,) = {job.partition("_")[0] for job in desk.jobs()}
    assert desk.jobs() == [f"{array}_{number}" for number in range(6)]
    assert sum("writing 48 scenes" in log for log in desk.logs()) == 1, "one makes the pictures, the others wait"
    again = desk.sweep(*SIX)
    assert again.wait() == 0, again.output
    assert again.output.count("skipped") == 6
    assert {path: path.read_bytes() for path in desk.folder.glob("runs/*/seed0/result.json")} == results


@pytest.mark.slow
def test_a_sweep_that_is_started_twice_at_once_works_on_each_run_once(desk: Desk) -> None:
    one = ("cell=table05.beta2", "scale.steps_per_epoch=20", "machine.log_every=1", "seed=0,1", "paths.runs=twice")
    filler = desk.fill_node("sleep 3600")
    commands = [desk.sweep(*one), desk.sweep(*one)]
    wait_until(lambda: len(desk.queue()) == 5)
    desk.lab.output("scancel", filler)
    assert [command.wait() for command in commands] == [0, 0]
    assert "".join(command.output for command in commands).count(": done") == 2
    assert all(desk.run(seed, "twice").logged == list(range(1, 241)) for seed in (0, 1))
