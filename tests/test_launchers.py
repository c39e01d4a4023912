"""hydra/launcher=slurm and local: what they ask for, and what becomes of jobs that die."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.core.utils import JobReturn
from omegaconf import OmegaConf
from pretended_slurm import PretendedSlurm, slurm

from gfl_bench.sweep.submit.launchers import LauncherError, by_scale, launcher_options
from gfl_bench.sweep.submit.launching import launch, make_executor

__all__ = ["slurm"]
SCALES = ("smoke", "demo", "proxy", "paper")


@pytest.mark.parametrize("scale", SCALES)
def test_a_timed_out_or_preempted_run_is_queued_again_at_every_scale(scale: str) -> None:
    options = launcher_options("slurm", scale, ())
    assert options["max_num_timeout"] > 0
    assert options["timeout_min"] > 10, "submitit takes any preemption of such a job for a time-out"
    assert options["signal_delay_s"] < 60 * options["timeout_min"] / 2


@pytest.mark.parametrize("scale", SCALES)
def test_a_run_has_one_process_for_each_gpu_and_one_without(scale: str) -> None:
    options = launcher_options("slurm", scale, ())
    assert options["gpus_per_node"] == {"smoke": None, "demo": None, "proxy": 1, "paper": 8}[scale]
    assert options["tasks_per_node"] == (options["gpus_per_node"] or 1)
    asked = launcher_options("slurm", scale, ("hydra.launcher.gpus_per_node=4",))
    assert asked["tasks_per_node"] == 4


def test_a_scale_of_ones_own_takes_what_others_take() -> None:
    values = {"smoke": 1, "other": 4}
    assert by_scale(values, _root_=OmegaConf.create({"scale": {"name": "mine"}})) == 4
    assert by_scale(values, _root_=OmegaConf.create({"scale": {"name": "smoke"}})) == 1


def test_jobs_leave_their_logs_beside_the_records() -> None:
    for launcher in ("slurm", "local"):
        options = launcher_options(launcher, "smoke", ("paths.runs=/elsewhere",))
        assert options["submitit_folder"] == "/elsewhere/.submitit/%j"


def test_this_machine_runs_one_at_a_time() -> None:
    assert launcher_options("local", "smoke", ())["array_parallelism"] == 1


@pytest.mark.parametrize(
    ("launcher", "override", "words"),
    [("slurm", "hydra.launcher.partitoin=gpu", "partitoin"), ("slurm", "hydra.launcher.nodes=many", "many"),
     ("local", "hydra.launcher.partition=gpu", "partition")],
)  # fmt: skip
def test_an_option_that_the_launcher_has_not_is_refused(launcher: str, override: str, words: str) -> None:
    with pytest.raises(LauncherError, match=words):
        launcher_options(launcher, "smoke", (override,))


def test_sbatch_is_given_what_the_options_say(slurm: PretendedSlurm, tmp_path: Path) -> None:
    said = ("hydra.launcher.partition=gpu", "hydra.launcher.setup=['module load cuda']", "paths.runs=/runs")
    options = {**launcher_options("slurm", "paper", said), "submitit_folder": f"{tmp_path}/jobs/%j"}
    make_executor("slurm", options).submit_array([os.getpid, os.getpid])
    (asked,) = slurm.taken.values()
    assert asked["array"] == "0-1%2" and asked["partition"] == "gpu" and asked["time"] == "1440"
    assert asked["gpus-per-node"] == asked["ntasks-per-node"] == "8" and asked["signal"] == "USR2@120"
    script = (slurm.folder / "taken" / "100").read_text()
    assert "\nmodule load cuda\n" in script
    (step,) = (line for line in script.splitlines() if line.startswith("srun"))
    begun = [*shlex.split(step[step.index("sh -c") :])[:4], "-c", "import os; os.kill(os.getpid(), 12); print('alive')"]
    assert subprocess.run(begun, capture_output=True, text=True).stdout == "alive\n", "the warning killed it"


def launched(tmp_path: Path, function: Callable[[int], Any], count: int) -> list[JobReturn]:
    options = {**launcher_options("local", "smoke", ()), "submitit_folder": f"{tmp_path}/%j", "array_parallelism": 2}
    return launch("local", options, function, [(n,) for n in range(count)], [f"run {n}" for n in range(count)])


def test_what_the_runs_return_comes_back_in_their_order(tmp_path: Path) -> None:
    def work(number: int) -> Any:
        import time

        from hydra.core.utils import JobReturn, JobStatus

        time.sleep(1.0 - number)
        return JobReturn(status=JobStatus.COMPLETED, _return_value=["done", "diverged"][number])

    assert [each.return_value for each in launched(tmp_path, work, 2)] == ["done", "diverged"]


@pytest.mark.slow
def test_a_job_that_dies_is_told_in_a_sentence_and_the_others_are_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def work(number: int) -> Any:
        import os
        import sys
        import time

        from hydra.core.utils import JobReturn, JobStatus

        if number == 0:
            print("the last words", file=sys.stderr, flush=True)
            os.kill(os.getpid(), 9)
        if number == 1:
            raise ValueError("no such data")
        time.sleep(1)
        return JobReturn(status=JobStatus.COMPLETED, _return_value=["", "", "done", "failed"][number])

    caplog.set_level("INFO", "gfl_bench")
    with pytest.raises(SystemExit) as leaving:
        launched(tmp_path, work, 4)
    assert leaving.value.code == 1
    told = {line.split(": ")[1]: line for line in caplog.messages if " of 4: " in line}
    assert "died" in told["run 0"] and told["run 0"].endswith("the last words") and "\n" not in told["run 0"]
    assert "ValueError: no such data" in told["run 1"] and "\n" not in told["run 1"]
    assert told["run 2"].endswith("run 2: done") and told["run 3"].endswith("run 3: failed")
    assert "3 of 4 runs failed or died" in caplog.messages[-1]


def test_a_job_that_ran_out_of_memory_says_so_and_not_that_it_was_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def work(number: int) -> Any:
        import os
        import sys

        # slurmstepd's words of 22.05, and those of the shell after it
        print("slurmstepd: error: Detected 1 oom_kill event in StepId=7.0.\nKilled", file=sys.stderr, flush=True)
        os.kill(os.getpid(), 9)

    with pytest.raises(SystemExit):
        launched(tmp_path, work, 1)
    assert "oom_kill" in caplog.text


def test_without_slurm_the_launcher_says_so_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as leaving:
        launch("slurm", launcher_options("slurm", "smoke", ()), JobReturn, [()], ["run"])
    assert leaving.value.code == 1 and "sbatch is not on the path" in caplog.text and "launcher=local" in caplog.text


@pytest.mark.slow
def test_a_row_runs_through_the_local_launcher_from_any_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gfl_bench.run", "-m", "hydra/launcher=local", "scale=smoke"]
    command += ["cell=table05.beta0", "data=scenes,coco", "hydra.launcher.array_parallelism=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count(": done\n") == 1 and done.stderr.count(": failed\n") == 1, done.stderr
    assert "Traceback" not in done.stderr and len(list(tmp_path.glob("runs/*/seed0/result.json"))) == 1
