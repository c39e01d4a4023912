"""``sweep submit`` hands over each run once, in as few arrays as SLURM allows."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from pretended_slurm import PretendedSlurm, slurm

from gfl_bench.sweep.__main__ import main
from gfl_bench.sweep.plan.cost import Cost
from gfl_bench.sweep.selection import Planned, plan_runs
from gfl_bench.sweep.submit.arrays import refusal
from gfl_bench.sweep.submit.resources import grouped, limit
from gfl_bench.sweep.submit.submission import Submission, read_submissions

__all__ = ["slurm"]
Submit = Callable[..., int]


@pytest.fixture
def submit(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Submit:
    """The command, for the five cells of Table 5 at scale smoke, one seed."""
    # Snapshots are another test's.
    monkeypatch.setattr("gfl_bench.sweep.submit.dispatch.take_snapshot", lambda folder: folder.mkdir())
    table = ("submit", "table05", "--scale", "smoke", "--seeds", "0", "--runs", str(runs))
    return lambda *words: main([*table, *words])


def the_submission(runs: Path) -> Submission:
    (submission,) = read_submissions(runs)
    return submission


def test_a_dry_run_prints_the_commands_and_leaves_nothing_without_slurm(
    submit: Submit, runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert submit("--dry-run", "data.size=96") == 0
    planned = plan_runs(["table05"], "smoke", [0], ["data.size=96"], runs).runs
    commands = [line.strip() for line in capsys.readouterr().out.splitlines() if "gfl_bench.run" in line]
    assert commands == [shlex.join(["python", "-m", "gfl_bench.run", *run.overrides]) for run in planned]
    assert len(commands) == 5 and not runs.exists()


def test_a_table_is_cut_into_arrays_that_slurm_takes_and_written_down(
    submit: Submit, runs: Path, slurm: PretendedSlurm
) -> None:
    assert submit() == 0
    assert [job["array"] for job in slurm.taken.values()] == ["0-2%3", "0-1%2"]
    tasks = the_submission(runs).tasks
    assert [task.job for task in tasks] == ["100_0", "100_1", "100_2", "101_0", "101_1"]
    assert {task.cell for task in tasks} == {f"table05.beta{beta}" for beta in ("0", "1", "2", "2.5", "4")}
    assert all(task.minutes == 30 and task.after is None for task in tasks)


def test_what_is_queued_is_not_submitted_again_and_what_died_in_the_queue_is(
    submit: Submit, runs: Path, slurm: PretendedSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    submit()
    slurm.say({"100_0": "PENDING", "100_1": "RUNNING", "100_2": "REQUEUED", "101_0": "PENDING", "101_1": "PENDING"})
    assert submit() == 0 and "5 queued, 0 to submit" in capsys.readouterr().out
    assert len(slurm.taken) == 2
    slurm.say({"100_0": "PENDING", "100_1": "CANCELLED", "101_0": "PENDING", "101_1": "COMPLETED"})
    assert submit() == 0 and "2 queued, 3 to submit" in capsys.readouterr().out
    assert [job["array"] for job in slurm.taken.values()] == ["0-2%3", "0-1%2", "0-2%3"]


def test_the_others_wait_for_the_canary_and_leave_the_queue_if_it_dies(
    submit: Submit, runs: Path, slurm: PretendedSlurm
) -> None:
    assert submit("--canary") == 0
    canary, *others = slurm.taken.values()
    assert "array" not in canary and "dependency" not in canary
    assert [job.get("array") for job in others] == ["0-2%3", None]
    assert all(job["dependency"] == "afterok:100" and job["kill-on-invalid-dep"] == "yes" for job in others)
    assert sorted(task.after or "" for task in the_submission(runs).tasks) == ["", *["100"] * 4]


def test_what_the_command_line_asks_for_wins_over_the_launchers_file(submit: Submit, slurm: PretendedSlurm) -> None:
    assert submit("--gpus", "2", "--time", "90", "--mem", "16", "--setup", "module load cuda, it", "--at-once", "1",
                  "hydra.launcher.exclude=node7",
                  "+hydra.launcher.additional_parameters.reservation=gfl") == 0  # fmt: skip
    first = slurm.taken["100"]
    assert first["gpus-per-node"] == first["ntasks-per-node"] == "2" and first["time"] == "90"
    assert first["mem"] == "16GB" and first["exclude"] == "node7" and first["array"] == "0-2%1"
    assert first["reservation"] == "gfl"
    assert "\nmodule load cuda, it\n" in (slurm.folder / "taken" / "100").read_text()


def test_a_refusal_is_told_in_slurms_words_with_what_to_do_and_nothing_is_left(
    submit: Submit, runs: Path, slurm: PretendedSlurm, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit("--partition", "nowhere") == 1
    error = capsys.readouterr().err
    assert "invalid partition specified: nowhere" in error and "sinfo" in error and "Traceback" not in error
    assert read_submissions(runs) == [] and list((runs / ".sweeps").iterdir()) == []


def test_a_full_queue_is_told_with_what_to_do() -> None:
    # sbatch's words where MaxJobCount was met, of 22.05
    said = refusal("sbatch: error: Batch job submission failed: Resource temporarily unavailable")
    assert "MaxJobCount" in said and "the same command again" in said


def test_without_slurm_the_command_says_so(
    submit: Submit, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert submit() == 1 and "sbatch is not on the path" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("table05", "--missing"), ("table05", "--canary", "--local"), ("table99",)])
def test_a_command_line_that_names_no_runs_is_a_mistake(words: tuple[str, ...], tmp_path: Path) -> None:
    assert main(["submit", *words, "--runs", str(tmp_path)]) == 2


def test_the_time_limit_has_a_margin_and_is_one_of_few() -> None:
    asked = {seconds: limit(seconds) for seconds in (0.0, 600.0, 3600.0, 10 * 3600.0, 7 * 86400.0)}
    assert all(minutes * 60 > 1.2 * seconds or minutes == 1440 for seconds, minutes in asked.items())
    assert len({limit(seconds) for seconds in range(0, 200_000, 60)}) <= 7
    assert asked[7 * 86400.0] == 1440, "what needs longer is queued again each day"


def test_runs_are_grouped_by_what_they_need(runs: Path) -> None:
    planned = plan_runs(["table05"], "smoke", [0], [], runs).runs

    def cost(run: Planned) -> Cost | None:
        return None if run.cell == "table05.beta4" else Cost(60, 60, 36000.0 if "2" in run.cell else 60, "measured")

    groups = grouped(planned, "slurm", [], cost)
    found = {group.options["timeout_min"]: [run.cell for run in group.runs] for group in groups}
    assert found == {
        30: ["table05.beta0", "table05.beta1", "table05.beta4"], 1440: ["table05.beta2", "table05.beta2.5"],
    }  # fmt: skip
    (group,) = grouped(planned, "slurm", ["hydra.launcher.timeout_min=100"], cost)
    assert group.options["timeout_min"] == 100


def test_a_report_says_which_runs_are_missing(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        f"cell=table05.beta1 scale=smoke data.size=96 paths.runs={runs} seed=0,2",
        f"cell=table05.beta1 mode=speed checkpoint=/c.pt scale=smoke paths.runs={runs} seed=1",
        f"cell=table05.beta2 scale=smoke mode=evaluate checkpoint=FILE paths.runs={runs} seed=0",
    )
    items = [{"command": f"python -m gfl_bench.run -m {text}"} for text in words] + [{"command": ""}]
    (tmp_path / "missing.json").write_text(json.dumps({"schema": 1, "runs": str(runs), "missing": items}))
    assert main(["submit", "--missing", str(tmp_path / "missing.json"), "--dry-run"]) == 1
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines() if "gfl_bench.run" in line]
    assert [line[-1] for line in lines] == ["seed=0", "seed=2", "seed=1"]
    assert "data.size=96" in lines[0] and {"mode=speed", "checkpoint=/c.pt"} <= set(lines[2])
    assert "table05.beta2: its checkpoint is not known" in said.err
