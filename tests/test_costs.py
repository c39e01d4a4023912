"""A run costs what its cell took on that machine, or what its FLOPs say, give or take what records differ by."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from swept import GPU, MACHINE, finish, planned

from gfl_bench.sweep.plan import measured
from gfl_bench.sweep.plan.cost import ASSUMED_FACTOR, Cost, Costs
from gfl_bench.sweep.plan.disk import CHECKPOINT, Disk, in_words
from gfl_bench.sweep.plan.duration import hours
from gfl_bench.sweep.plan.duration import in_words as time_in_words
from gfl_bench.sweep.plan.measured import read_measured
from gfl_bench.sweep.plan.networks import network_of
from gfl_bench.sweep.plan.spread import pooled
from gfl_bench.sweep.selection import Planned


def cost(runs: Path, run: Planned, hardware: str = "") -> Cost:
    found = Costs(runs, hardware).of(run)
    assert found is not None
    return found


def test_a_cell_that_was_measured_costs_what_it_took(runs: Path) -> None:
    one, two, wanted = planned(runs, "table05.beta1", seeds=[0, 1, 2])
    finish(one, step_seconds=0.4, other=10)
    finish(two, step_seconds=0.6, other=30)
    found = cost(runs, wanted)
    assert found.seconds == pytest.approx(600 * 0.5 + 20)
    assert found.basis == "measured, 2 runs"
    # Student's quantile of one degree of freedom for 80 % is 3.0777 (any table); ln 1.5 / sqrt 2 the deviation.
    factor = math.exp(3.0777 * math.log(1.5) / math.sqrt(2) * math.sqrt(1.5))
    assert found.high == pytest.approx(600 * math.sqrt(0.24) * factor + 20, rel=1e-4)
    assert found.low == pytest.approx(600 * math.sqrt(0.24) / factor + 20, rel=1e-4)


def test_sessions_before_a_restart_count(runs: Path) -> None:
    one, wanted = planned(runs, "table05.beta1", seeds=[0, 1])
    finish(one, step_seconds=0.5, other=0)  # its timings have a training of one second
    assert cost(runs, wanted).seconds == pytest.approx(300)


def test_a_longer_training_of_the_same_cell_costs_as_many_more_steps(runs: Path) -> None:
    (one,), (longer,) = planned(runs, "table05.beta1"), planned(runs, "table05.beta1", "schedule=2x")
    (proxy,) = planned(runs, "table05.beta1", scale="proxy")
    finish(one, step_seconds=0.5, other=20)
    assert cost(runs, longer).seconds == pytest.approx(1200 * 0.5 + 20)
    assert cost(runs, proxy).seconds == pytest.approx(4800 * 0.5 + 20 * 2000 / 400)  # five times the validation images


def test_another_cell_costs_by_its_flops(runs: Path) -> None:
    (known,), (wanted,) = planned(runs, "table05.beta1"), planned(runs, "table12.reppoints_v2")
    finish(known, step_seconds=0.5, other=20)
    networks = network_of(known.config), network_of(wanted.config)
    assert networks[0] and networks[1]
    step = 0.5 * networks[1].flops / networks[0].flops
    found = cost(runs, wanted)
    assert found.basis == "FLOPs, 1 other cell"
    assert found.seconds == pytest.approx(600 * step + 20)
    assert found.high == pytest.approx(600 * step * ASSUMED_FACTOR + 20)
    assert found.low == pytest.approx(600 * step / ASSUMED_FACTOR + 20)


def test_seconds_of_another_machine_image_size_or_batch_are_not_taken(runs: Path) -> None:
    known, wanted = planned(runs, "table05.beta1", "table05.beta2")
    finish(known, hardware=MACHINE)
    for extra in ("data.size=240", "schedule.batch_size=4", "precision=fp32"):
        assert Costs(runs).of(planned(runs, "table05.beta1", extra)[0]) is None
    finish(wanted, hardware=GPU, step_seconds=0.05, other=0)
    again = planned(runs, "table05.beta1", seeds=[1])[0]
    assert cost(runs, again, "h200").seconds == pytest.approx(30)
    assert cost(runs, again, "a processor").seconds == pytest.approx(320)
    assert Costs(runs, "a100").of(again) is None


def test_a_cell_is_not_forgotten_because_others_ran_after_it(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, wanted = planned(runs, "table05.beta1", seeds=range(2))
    finish(old, step_seconds=0.4, other=10)
    os.utime(old.folder / "result.json", (1, 1))
    for newer in planned(runs, "table05.beta2", seeds=range(5)):
        finish(newer)
    monkeypatch.setattr(measured, "EACH", 3)
    monkeypatch.setattr(measured, "MOST", 3)
    assert cost(runs, wanted).basis == "measured, 1 run"
    assert len(read_measured(runs)) == 3


def test_cores_count_by_threads_and_gpus_by_one(runs: Path) -> None:
    (one,), (other,) = planned(runs, "table05.beta1", "machine.threads=2"), planned(runs, "table05.beta2")
    finish(one)
    machine = Costs(runs).hardware
    assert machine and (machine.unit, machine.units, machine.name) == ("core", 2, "A processor, 2 of 4 cores")
    finish(other, hardware=GPU)
    machine = Costs(runs, "H200").hardware
    assert machine and (machine.unit, machine.units) == ("GPU", 1)


def test_a_run_of_many_processes_takes_a_gpu_for_each(runs: Path) -> None:
    one, eight = planned(runs, "table05.beta1", "table05.beta2")
    finish(one, hardware=GPU)
    finish(eight, hardware=GPU, processes=8)
    units = {measured.hardware.name: measured.hardware.units for measured in read_measured(runs)}
    assert units == {"NVIDIA H200": 1, "8 x NVIDIA H200": 8}


def test_an_epoch_whose_images_nobody_has_counted_has_no_cost_until_one_was_trained(runs: Path) -> None:
    one, other = planned(runs, "table05.beta1", "table05.beta2", scale="paper")
    assert Costs(runs).of(one) is None
    finish(other, steps=12 * 7330)
    assert Costs(runs).steps(one.config) == 12 * 7330


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 0}', '{"schema": 1, "state": "done"}'])
def test_records_that_are_not_whole_are_passed_over(runs: Path, text: str) -> None:
    good, bad = planned(runs, "table05.beta1", "table05.beta2")
    finish(good)
    finish(bad)
    (bad.folder / "result.json").write_text(text)
    assert len(Costs(runs).measured) == 1


@pytest.mark.parametrize("lost", ["provenance", "timings", "config"])
def test_so_are_those_of_another_version(runs: Path, lost: str) -> None:
    (run,) = planned(runs, "table05.beta1")
    finish(run)
    path = run.folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {lost: {}}))
    assert Costs(runs).measured == []


def test_a_diverged_run_measures_nothing(runs: Path) -> None:
    (run,) = planned(runs, "table05.beta1")
    finish(run, diverged=True)
    assert Costs(runs).measured == []


def test_spread_is_pooled_over_groups() -> None:
    spread = pooled([[1.0, math.e**2], [5.0, 5.0, 5.0], [7.0]])
    assert spread is not None
    assert spread.degrees == 3
    assert spread.deviation == pytest.approx(math.sqrt(2 / 3))  # squares about the means: 1 + 1, over 3
    assert pooled([[1.0], [2.0]]) is None


def test_disk_is_what_such_runs_take_else_weights_momentum_and_what_others_leave_beside(runs: Path) -> None:
    known, wanted = planned(runs, "table05.beta1", "table12.reppoints_v2")
    parameters = [network.parameters for run in (known, wanted) if (network := network_of(run.config))]
    assert Disk([]).of(wanted) == CHECKPOINT * parameters[1]
    finish(known)
    (known.folder / "checkpoint.pt").write_bytes(bytes(CHECKPOINT * parameters[0]))
    beside = sum(path.stat().st_size for path in known.folder.iterdir() if path.name != "checkpoint.pt")
    disk = Disk(Costs(runs).measured)
    assert disk.of(planned(runs, "table05.beta1", seeds=[1])[0]) == CHECKPOINT * parameters[0] + beside
    assert disk.of(wanted) == CHECKPOINT * parameters[1] + beside


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (31, "31 s"), (59.6, "1 min"), (3599, "1 h"), (4260, "1 h 11 min"), (7190, "2 h"), (86000, "1 day"),
     (90000, "1 day 1 h"), (172800, "2 days")],
)  # fmt: skip
def test_times_are_in_words(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words


def test_sizes_and_hours_are_in_words() -> None:
    assert [in_words(size) for size in (12, 8_544_065, 1_500_000_000)] == ["12 B", "8.54 MB", "1.5 GB"]
    assert [hours(3600 * value) for value in (0.0712, 1.25, 35.4)] == ["0.071", "1.2", "35"]
