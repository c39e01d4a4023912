"""A plan says which runs there are, each once, what is done of them, and what cannot be run."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from swept import GPU, finish, lacking, leave, planned, say

from gfl_bench.sweep import listing
from gfl_bench.sweep import selection as selecting
from gfl_bench.sweep.selection import SelectionError, plan_runs, state_of

LIMIT = 5.0  # seconds for all tables
SMALL = "title: T\nsource: S\ncolumns: [AP]\nbaseline: a\nseeds: 1\nbase: {detector: atss}\nrows:\n"
FITS, MISFIT = "  - {name: a, label: a, overrides: {quality: joint}, paper: [1]}\n", """\
  - {name: b, label: b, overrides: {box: dirac, guidance: distribution}, paper: [1]}
"""


def test_a_run_that_two_tables_share_is_planned_once(runs: Path) -> None:
    found = planned(runs, "table05", "table11")
    assert [run.cell for run in found].count("table05.beta2") == 1
    shared = next(run for run in found if run.cell == "table05.beta2")
    assert shared.tables == ("table05", "table11")
    assert shared.cells == ("table05.beta2", "table11.qfl")
    assert len({run.folder for run in found}) == len(found) == 9


def test_the_folder_and_the_overrides_are_those_of_the_run_itself(runs: Path) -> None:
    (run,) = planned(runs, "table05.beta1", "schedule=2x", seeds=[3])
    told = [sys.executable, "-m", "gfl_bench.run", *run.overrides, "--cfg", "job", "--resolve"]
    assert run.overrides == (
        "cell=table05.beta1", "scale=demo", "schedule=2x", f"paths.runs={runs}", "seed=3",
    )  # fmt: skip
    assert "epochs: 24" in subprocess.run(told, capture_output=True, text=True, check=True).stdout
    assert run.folder.parent.parent == runs and run.folder.name == "seed3"


def test_a_folder_of_records_with_odd_characters_is_quoted_for_hydra(tmp_path: Path) -> None:
    (run,) = planned(tmp_path / "my runs, (old)", "table05.beta1")
    assert f"paths.runs='{tmp_path}/my runs, (old)'" in run.overrides


def test_states_are_told_apart(runs: Path) -> None:
    done, diverged, running, stale, preempted, failed, absent, cut = planned(runs, "table05.beta1", seeds=range(8))
    finish(done)
    finish(diverged, diverged=True)
    leave(running, "running")
    leave(stale, "running", age=900)
    leave(preempted, "preempted")
    leave(failed, "failed")
    finish(cut)
    (cut.folder / "result.json").write_text("{")
    found = [state_of(run.folder) for run in (done, diverged, running, stale, preempted, failed, absent, cut)]
    assert found == ["done", "diverged", "running", "stale", "preempted", "failed", "absent", "failed"]


def test_an_unknown_table_is_refused_with_what_is_near(runs: Path) -> None:
    with pytest.raises(SelectionError, match=r"no table or cell table5; there is .*table05"):
        plan_runs(["table5"], "demo", None, [], runs)


def test_plan_counts_and_prices_what_is_left(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = planned(runs, "table05")
    finish(first, step_seconds=6.0, other=0.0, hardware=GPU)
    leave(second, "running")
    code, out, _ = say(capsys, "plan", "table05", "--seeds", "0-1", "--runs", runs)
    assert code == 0
    assert "5 cells, 10 runs" in out
    assert "GPU-hours" in out
    line = next(line for line in out.splitlines() if line.startswith("table05.beta0"))
    assert line.split()[:5] == ["table05.beta0", "2", "1", "1", "1"]  # runs, finished, to run; 600 steps of 6 s
    assert next(line for line in out.splitlines() if line.startswith("all")).split()[1:5] == ["10", "1", "1", "8"]
    assert "NVIDIA H200" in out and "Disk: " in out


def test_a_plan_without_records_says_that_nobody_knows(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = say(capsys, "plan", "table05", "--runs", runs)
    assert code == 0
    assert "Costs of 15 from nothing: none like it was measured." in out
    assert not runs.exists()


def test_a_cell_that_does_not_fit_is_named_and_the_exit_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine_bad.yaml").write_text(SMALL + FITS + MISFIT)
    monkeypatch.setattr(selecting, "sweeps_folder", lambda: tmp_path)
    code, out, errors = say(capsys, "plan", "--runs", tmp_path / "runs")
    assert code == 1
    assert "1 cell, 1 run" in out
    assert errors.startswith("mine.b: guidance=distribution") and "mine.a" not in errors


def test_an_override_that_a_cell_does_not_have_is_named_for_that_cell(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, errors = say(capsys, "plan", "table06", "--runs", runs, "box.delta=2")
    refused = {line.partition(":")[0] for line in errors.splitlines()}
    assert code == 1
    assert refused == {f"table06.{name}_{box}" for name in ("atss", "fcos") for box in ("dirac", "gaussian")}


def test_a_mistake_of_the_command_line_exits_with_two(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, errors = say(capsys, "plan", "table05", "seed=1", "--runs", runs)
    assert (code, errors) == (2, "seed=1: give --seeds\n")


def test_overrides_may_stand_behind_options(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = say(capsys, "plan", "--scale", "smoke", "table05", "--runs", runs, "schedule.lr=0.1")
    assert code == 0 and "scale smoke" in out and "5 cells" in out


def test_all_tables_are_planned_in_time_and_without_torch(runs: Path) -> None:
    program = """if True:
        import json, sys
        from gfl_bench.sweep.__main__ import main
        code = main(["plan", "--runs", sys.argv[1]])
        print(json.dumps([code, [name for name in ("torch", "pandas") if name in sys.modules]]))
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", program, str(runs)], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < LIMIT, "seconds of one core"
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_a_list_has_each_cell_in_a_line_with_what_is_done(
    runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking(monkeypatch, listing, "table15.nanodet_320")
    one, other = planned(runs, "table05.beta2", seeds=[0, 1])
    finish(one)
    leave(other, "failed")
    code, out, _ = say(capsys, "list", "--runs", runs)
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    assert code == 0
    assert "1 of 3, 1 failed" in lines["table05.beta2"] and "1 of 3, 1 failed" in lines["table11.qfl"]
    assert "0 of 3" in lines["table05.beta1"]
    assert "needs detector marsh" in lines["table15.nanodet_320"]
