"""Speeds are compared within a session, under one protocol, on one kind of machine; nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from timed import a_session, comparisons

from gfl_bench.results.samples import mean_ratio, speed_ratio, summarise
from gfl_bench.results.speed_records import load_speed, write_session


def test_ratio_is_taken_round_by_round_whatever_the_machine_does_meanwhile(runs: Path) -> None:
    machine = np.random.default_rng(0).uniform(1, 9, 30)
    (one,) = comparisons(runs, a_session({"fcos": 8 * machine, "gfocal": 10 * machine}))
    ratio = one.ratio("gfocal", "fcos")
    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high, ratio.rounds) == pytest.approx((0.8, 0.8, 0.8, 30))


def test_speed_is_the_quantiles_of_all_samples(runs: Path) -> None:
    (one,) = comparisons(runs, a_session({"fcos": [10.0, 30.0]}), a_session({"fcos": [20.0]}))
    speed = one.speed("fcos")
    assert speed is not None
    assert (speed.median_ms, speed.fps, speed.p5_ms, speed.p95_ms) == pytest.approx((20, 50, 11, 29))
    assert one.speed("atss") is None and one.speed("fcos", "model") is None


def test_sessions_add_up_under_one_protocol_and_one_hardware_only(runs: Path) -> None:
    times = {"fcos": [1.0, 1.0], "gfocal": [2.0, 2.0]}
    found = comparisons(
        runs, a_session(times), a_session(times), a_session(times, protocol="other"),
        a_session(times, hardware="other"), a_session(times, scale="paper"),
        a_session(times, overrides=["backbone=resnet101"]),
    )  # fmt: skip
    assert [len(one.sessions) for one in found] == [2, 1, 1, 1, 1]
    assert [one.ratio("gfocal", "fcos").rounds for one in found] == [4, 2, 2, 2, 2]  # type: ignore[union-attr]


def test_cells_that_never_took_turns_have_no_ratio(runs: Path) -> None:
    (one,) = comparisons(runs, a_session({"fcos": [1.0]}), a_session({"atss": [1.0]}))
    assert one.cells.keys() == {"fcos", "atss"}
    assert one.ratio("fcos", "atss") is None


def test_each_session_has_a_speed_and_a_ratio_of_its_own(runs: Path) -> None:
    (one,) = comparisons(
        runs, a_session({"fcos": [10.0, 40.0, 30.0], "atss": [20.0, 40.0, 20.0]}), a_session({"atss": [1.0]}),
        a_session({"fcos": [1.0], "atss": [4.0]}),
    )  # fmt: skip
    assert one.each_ratio("atss", "fcos") == {0: 1.0, 2: 0.25}, "of 0.5, 1 and 1.5 the median, not of medians"
    assert {place: speed.fps for place, speed in one.each_speed("atss").items()} == {0: 50.0, 1: 1000.0, 2: 250.0}
    assert one.each_ratio("atss", "paa") == {} and one.each_speed("atss", "model") == {}


def test_sessions_among_cells_are_those_in_which_two_of_them_took_turns(runs: Path) -> None:
    (one,) = comparisons(
        runs, a_session({"fcos": [1.0], "atss": [1.0]}), a_session({"fcos": [1.0], "paa": [1.0]}),
        a_session({"fcos": [1.0]}),
    )  # fmt: skip
    among = one.among(["paa", "fcos"])
    assert among is not None and among.sessions == one.sessions[1:2]
    assert one.among(["atss", "paa"]) is None


def test_samples_of_a_configuration_that_a_cell_no_longer_has_do_not_count(runs: Path) -> None:
    old = a_session({"fcos": [1.0], "atss": [1.0]})
    old["cells"]["fcos"]["id"] = "another"
    (one,) = comparisons(runs, old, a_session({"fcos": [3.0], "atss": [1.0]}))
    speed, ratio = one.speed("fcos"), one.ratio("fcos", "atss")
    assert speed is not None and ratio is not None
    assert (speed.median_ms, ratio.rounds) == (3.0, 1)


@pytest.mark.parametrize("content", [
    "", "{", "[]", "{}", '{"schema": 9}', json.dumps(a_session({"a": [1.0]}) | {"rounds": 2}),
    json.dumps(a_session({"a": [1.0]}) | {"cells": {"a": 3}}), json.dumps(a_session({"a": [1.0]}) | {"protocol": {}}),
    json.dumps(a_session({"a": [-1.0]})), json.dumps(a_session({"a": [float("inf")]})),
    json.dumps(a_session({"a": [10**400]})), json.dumps(a_session({"a": [1.0, "x"]}) | {"rounds": 1}),
    json.dumps(a_session({"a": []})), json.dumps(a_session({"a": [1.0]}, stages=())),
])  # fmt: skip
def test_a_foreign_or_broken_file_is_told_and_the_rest_is_read(runs: Path, content: str) -> None:
    path = write_session(a_session({"fcos": [1.0]}), runs)
    path.with_name("session1.json").write_text(content, encoding="utf-8")
    records = load_speed(runs)
    assert len(records.comparisons) == 1
    assert [skipped for skipped, _ in records.skipped] == [path.with_name("session1.json")]


def test_a_session_never_takes_the_place_of_another(runs: Path) -> None:
    paths = [write_session(a_session({"fcos": [float(number)]}), runs) for number in (1, 2, 3)]
    paths[0].unlink()
    paths.append(write_session(a_session({"fcos": [4.0]}), runs))
    (one,) = load_speed(runs).comparisons
    assert [session["cells"]["fcos"]["stages"]["detect"]["samples_ms"] for session in one.sessions] == [[2], [3], [4]]


def test_a_folder_without_sessions_has_none(tmp_path: Path) -> None:
    assert load_speed(tmp_path / "absent").comparisons == []


def test_reading_needs_no_torch() -> None:
    code = "import sys, gfl_bench.results.speed_records; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_one_round_has_no_interval() -> None:
    assert (speed_ratio([2.0], [1.0]).low, speed_ratio([2.0], [1.0]).value) == (None, 0.5)


def test_quantiles_are_numpys() -> None:
    times = np.random.default_rng(1).gamma(5, size=101)
    summary = summarise(times)
    assert (summary.p5_ms, summary.median_ms, summary.p95_ms) == pytest.approx(tuple(np.sort(times)[[5, 50, 95]]))


@pytest.mark.slow
def test_interval_holds_the_true_ratio_in_about_95_of_100_sessions() -> None:
    generator = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        noise = generator.lognormal(0, 0.1, (2, 40)) * generator.uniform(1, 3, 40)
        ratio = speed_ratio(1.25 * noise[0], noise[1])
        assert ratio.low is not None and ratio.high is not None
        held += ratio.low <= 0.8 <= ratio.high
    assert 0.90 <= held / 300 <= 0.99


def test_the_interval_of_several_sessions_is_students_over_their_logarithms(runs: Path) -> None:
    (one,) = comparisons(runs, *(a_session({"fcos": [1.0] * 9, "atss": [slower] * 9}) for slower in (1.0, 1.1, 1.3)))
    ratio = one.ratio("atss", "fcos")
    logs = -np.log([1.0, 1.1, 1.3])
    wanted = np.exp(scipy.stats.t.interval(0.95, 2, logs.mean(), scipy.stats.sem(logs)))
    assert ratio is not None and (ratio.low, ratio.high) == pytest.approx(tuple(wanted))
    assert (ratio.value, ratio.rounds) == (pytest.approx(np.exp(logs.mean())), 27)


@pytest.mark.slow
def test_it_holds_the_true_ratio_where_sessions_differ_by_more_than_their_rounds() -> None:
    generator, held = np.random.default_rng(3), 0
    for _ in range(200):
        ratios = []
        for shift in generator.normal(0, 0.02, 3):
            noise = generator.lognormal(0, 0.01, 40)
            ratios.append(float(np.median(1 / (1.25 * noise * np.exp(shift)))))
        found = mean_ratio(ratios, 120)
        assert found.low is not None and found.high is not None
        held += found.low <= 0.8 <= found.high
    assert 0.90 <= held / 200 <= 0.99
