"""What stands out in a table: the best beyond the intervals, the paper's best, differences significant after Holm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from recorded import TABLES, a_run, lines, tables

from analysis.stats import Interval
from analysis.tables.latex import latex
from analysis.tables.marks import best_measured, best_printed
from analysis.tables.plain_text import markdown, terminal
from gfl_bench.results.metrics import METRICS

pytestmark = pytest.mark.usefixtures("composed_once")
AP, MR = METRICS["AP"], METRICS["MR"]
INTERVALS = st.builds(Interval, st.floats(-50, 50), st.one_of(st.none(), st.floats(0, 20)), st.just(3))


@given(st.dictionaries(st.sampled_from("abcde"), INTERVALS), st.sampled_from([AP, MR]))
def test_what_is_bold_overlaps_nothing_and_lies_on_the_better_side(intervals: dict[str, Interval], metric) -> None:
    for first in best_measured(intervals, metric):
        for interval in (interval for name, interval in intervals.items() if name != first):
            assert interval.half_width is not None and intervals[first].half_width is not None
            gap = metric.sign * (intervals[first].mean - interval.mean)
            assert gap > intervals[first].half_width + interval.half_width - 1e-9


@pytest.mark.parametrize(
    ("intervals", "metric", "best"),
    [
        ({"a": (30.0, 0.4), "b": (31.0, 0.5)}, AP, ["b"]),
        ({"a": (30.0, 0.4), "b": (31.0, 0.5)}, MR, ["a"]),
        ({"a": (30.0, 0.5), "b": (31.0, 0.5)}, AP, []),  # they touch
        ({"a": (30.0, 9.0), "b": (31.0, 0.1), "c": (20.0, 0.1)}, AP, []),  # the wide one may be better
        ({"a": (30.0, None), "b": (39.0, 0.1)}, AP, []),  # a single seed has no interval
        ({"a": (30.0, 0.1)}, AP, []),
        ({"a": (30.0, 0.0), "b": (30.0, 0.0)}, AP, []),
        ({}, AP, []),
    ],
)
def test_the_best_is_marked_only_beyond_all_intervals(intervals, metric, best: list[str]) -> None:
    assert best_measured({name: Interval(*pair, 3) for name, pair in intervals.items()}, metric) == best


def test_the_papers_best_are_all_of_the_first_place_and_none_where_all_are_equal() -> None:
    assert best_printed({"a": 40.2, "b": 40.2, "c": 39.8, "d": None, "e": float("nan")}, AP) == ["a", "b"]
    assert best_printed({"a": 52.9, "b": 46.77}, MR) == ["b"]
    assert best_printed({"a": 19.4, "b": 19.4}, METRICS["FPS"]) == []


def test_each_detector_has_a_winner_of_its_own(runs: Path) -> None:
    for seed in range(3):
        for cell, ap in {"retinanet": 20.0, "retinanet_gfocal": 25.0, "atss": 33.0, "atss_gfocal": 30.0}.items():
            a_run(runs, f"table12.{cell}", ap + seed / 10, seed)
    (sheet,) = tables("table12", runs=runs)
    assert [line.label for line in sheet.lines if line.entries[0].is_best] == ["RetinaNet with GFocal", "ATSS"]
    assert all(line.entries[0].is_paper_best == ("with GFocal" in label) for label, line in lines(sheet).items())
    assert not any(line.entries[3].is_paper_best for line in sheet.lines), "the paper's speeds are equal"


def test_differences_are_marked_after_holms_correction(runs: Path) -> None:
    """Two p-values below 0.05 of which one survives: 4 * 0.02 > 0.05 > 4 * 0.003."""
    noise = {"beta0": (0.9, 1.0, 1.1), "beta1": (0.35, 0.5, 0.65), "beta2.5": (-1, 1, 0.4), "beta4": (-1, 1, 0.2)}
    for seed in range(3):
        a_run(runs, "table05.beta2", 30.0, seed)
        for row, differences in noise.items():
            a_run(runs, f"table05.{row}", 30.0 + differences[seed], seed)
    (sheet,) = tables("table05", runs=runs)
    p = {row: scipy.stats.ttest_1samp(differences, 0).pvalue for row, differences in noise.items()}
    assert p["beta0"] < 0.05 / 4 and 0.05 / 3 < p["beta1"] < 0.05
    found = lines(sheet)
    assert found["β = 0"].clear == (True,) and found["β = 1"].clear == (False,) and found["β = 2"].clear == (False,)
    assert "+1.0 ± 0.2*" in terminal(sheet) and "0.4*" not in terminal(sheet)


@pytest.mark.parametrize("with_pcc", [False, True])
def test_differences_of_all_columns_are_one_family(runs: Path, with_pcc: bool) -> None:
    """Table 10 prints those of AP and of PCC: what is clear among three need not be among six."""
    noise = {"gfocal_with_dgqp": (0.82, 1.0, 1.18), "fcos_joint": (-1, 1, 0.2), "atss_joint": (-1, 1, 0.3)}
    p = scipy.stats.ttest_1samp(noise["gfocal_with_dgqp"], 0).pvalue
    assert 0.05 / 5 < p < 0.05 / 3
    for seed in range(3):
        for row in ("gfocal_without_dgqp", *noise):
            more = noise.get(row, (0, 0, 0))[seed]
            pcc: dict[str, Any] = {"PCC": 0.5 + more / 10 * (row != "gfocal_with_dgqp")} if with_pcc else {}
            a_run(runs, f"table10.{row}", 30.0 + more, seed, **pcc)
    (sheet,) = tables("table10", runs=runs)
    assert lines(sheet)["GFocal with DGQP"].clear[0] is not with_pcc


def test_times_of_two_machines_are_not_compared(runs: Path) -> None:
    for seed in range(3):
        a_run(runs, "table11.atss", 30.0 + seed, seed, FPS=10.0 + seed / 100)
        a_run(runs, "table11.qfl", 31.0 + seed, seed, hardware="Another", FPS=20.0 + seed / 90)
    (sheet,) = tables("table11", runs=runs)
    assert not any(line.entries[0].is_best for line in sheet.lines)
    assert "Speeds on different machines cannot be compared." in sheet.caption and "Left out" not in sheet.caption


@pytest.mark.parametrize("other", ["A processor", "Another"])
def test_runs_of_another_machine_than_most_are_named(runs: Path, other: str) -> None:
    for seed in range(3):
        a_run(runs, "table11.atss", 30.0, seed)
        a_run(runs, "table11.qfl", 31.0, seed, hardware=other if seed == 2 else "A processor")
    (sheet,) = tables("table11", runs=runs)
    told = "Trained on A processor, 2 cores; on Another, 2 cores: + QFL (seed 2). Rounding differs between machines."
    assert (told in sheet.caption) is (other == "Another") is ("Rounding" in sheet.caption)


def test_the_speed_of_a_row_is_of_one_machine(runs: Path) -> None:
    for seed, (machine, speed) in enumerate([("Another", 99.0), ("One", 20.0), ("One", 22.0)]):
        a_run(runs, "table11.qfl", 31.0, seed, hardware=machine, FPS=speed)
    (sheet,) = tables("table11", runs=runs)
    assert lines(sheet)["+ QFL"].seeds == "3" and "21.0" in terminal(sheet) and "47.0" not in terminal(sheet)
    assert "FPS measured on One, 2 cores. Left out: times on Another, 2 cores, where" in sheet.caption


def test_every_format_shows_the_marks_and_says_what_they_mean(runs: Path) -> None:
    for seed in range(3):
        a_run(runs, "table06.atss_dirac", 30.0 + seed / 10, seed)
        a_run(runs, "table06.atss_gaussian", 35.0 + seed / 10, seed)
    (sheet,) = tables("table06", runs=runs)
    assert "**35.1 ± 0.2** [39.3]" in terminal(sheet) and "(39.0†)" in terminal(sheet)
    assert "**35.1 ± 0.2** [39.3]" in markdown(sheet) and "†: the paper's best." in markdown(sheet)
    assert r"\textbf{35.1 $\pm$ 0.2} {[}39.3{]}" in latex(sheet) and r"(\underline{39.0})" in latex(sheet)
    for text in (terminal(sheet), markdown(sheet), latex(sheet)):
        assert "its interval apart" in text and "Holm's correction" in text and "slides Table 2(a)" in text


def test_marks_that_do_not_occur_are_not_explained(runs: Path) -> None:
    a_run(runs, "table05.beta1", 20.0)
    (sheet,) = tables("table05", runs=runs)
    assert "its interval apart" not in markdown(sheet) and "Holm" not in markdown(sheet)


def test_every_column_of_a_table_has_a_direction() -> None:
    assert {METRICS[name].better for table in TABLES.values() for name in table.columns} == {"higher", "lower"}
    assert [name for name in METRICS if METRICS[name].better == "lower"] == [
        "training_hours", "MR", "latency_ms", "params_m", "size_mb",
    ]  # fmt: skip
