"""``why`` tells of one cell what its record does: difference, seeds, curves, what went wrong, how to go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from swept import finish, lacking, leave, log, planned, say

from gfl_bench.sweep.why import command
from gfl_bench.sweep.why.sparkline import BLOCKS, sparkline


def test_a_cell_is_explained(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done, failed, diverged = planned(runs, "table05.beta1", seeds=[0, 1, 2])
    finish(done, step_seconds=1.0, AP=16.885, AP50=38.4)
    log(done, [4, 3, 2, 1])
    leave(failed, "failed", step=40, steps=600, message="OutOfMemory: no room for 2 GB\nlower schedule.batch_size\nend")
    finish(diverged, diverged=True)
    code, out, _ = say(capsys, "why", "table05.beta1", "--runs", runs)
    lines = out.splitlines()
    assert code == 0
    assert any(line.split() == ["quality.beta", "2.0", "->", "1.0"] for line in lines)
    assert "0123456789, with changes that are not committed" in out
    assert "A processor, 4 cores" in out
    assert f"python -m gfl_bench.run cell=table05.beta1 scale=demo paths.runs={runs} seed=0" in lines[2]
    seeds = {line.split()[0]: line.split() for line in lines if line.split() and line.split()[0] in "012"}
    assert seeds["0"][1:4] == ["done", "16.9", "38.4"] and "█▆▃▁" in out and "4 to 1" in out and "10 min" in out
    assert seeds["1"][1:3] == ["failed", "40/600"]
    assert "seed 1 failed: OutOfMemory: no room for 2 GB" in lines
    assert "  lower schedule.batch_size" in lines
    assert any(line.startswith("  again: python -m gfl_bench.run") and line.endswith("seed=1") for line in lines)
    assert "seed 2 diverged: the loss term qfl was not finite at step 7" in lines


def test_one_seed_is_told_alone(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for run in planned(runs, "table05.beta1", seeds=[0, 1]):
        leave(run, "running", age=900)
    _, out, _ = say(capsys, "why", "table05.beta1", "--seed", "1", "--runs", runs)
    assert "seed 1 stale: says running, no heartbeat for 15 min on host node7" in out
    assert "seed 0" not in out


def test_the_baseline_differs_from_nothing(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = say(capsys, "why", "table05.beta2", "--runs", runs)
    assert code == 0 and "it is the row that its table compares with" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table05.beta9"], "there is no cell table05.beta9; there is table05.beta0"),
        (["table99.x"], "there is no cell table99.x; there is table02"),
        (["table15.nanodet_320"], "it needs detector marsh"),
        (["table05.beta1", "table06"], "one cell at a time"),
    ],
)
def test_what_is_no_cell_is_refused(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    lacking(monkeypatch, command, "table15.nanodet_320")
    code, _, errors = say(capsys, "why", *words, "--runs", runs)
    assert code == 2 and said in errors


def test_a_cell_that_does_not_fit_is_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, errors = say(capsys, "why", "table05.beta1", "schedule.lr=0", "--runs", runs)
    assert code == 1 and errors.startswith("table05.beta1: schedule.lr=0")


def test_a_sparkline_falls_and_rises_with_its_values() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == BLOCKS
    assert sparkline([8, 1, 8], 3) == "█▁█"
    assert sparkline(range(100), 10) == "".join(sorted(sparkline(range(100), 10)))
    assert len(sparkline(range(1000), 16)) == 16


def test_a_sparkline_passes_over_what_is_not_finite_and_is_flat_where_nothing_changes() -> None:
    assert sparkline([float("nan"), 1, float("inf"), 2], 8) == "▁█"
    assert sparkline([5, 5, 5], 8) == "▁▁▁"
    assert sparkline([], 8) == sparkline([float("nan")], 8) == ""
