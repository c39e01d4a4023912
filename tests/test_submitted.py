"""A submitted job runs the code of the moment it was submitted at, wherever it starts, and again after a preemption."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gfl_bench.config.paths import PACKAGE
from gfl_bench.results.provenance import git_state
from gfl_bench.sweep.submit.job import Job, carry_class
from gfl_bench.sweep.submit.launchers import launcher_options
from gfl_bench.sweep.submit.launching import make_executor
from gfl_bench.sweep.submit.queue import live_jobs
from gfl_bench.sweep.submit.snapshot import take_snapshot
from gfl_bench.sweep.submit.submission import NAME, Submission, Task, new_folder, read_submissions

PREEMPTED_ONCE = """
def main():
    import os, pathlib, signal, time
    if pathlib.Path("begun").exists():
        return
    pathlib.Path("begun").touch()
    os.kill(os.getpid(), signal.SIGUSR2)
    time.sleep(60)
"""


def test_a_snapshot_holds_code_options_and_tables_and_says_what_it_was_taken_from(tmp_path: Path) -> None:
    take_snapshot(tmp_path / "code")
    inside = {str(path.relative_to(tmp_path / "code")) for path in (tmp_path / "code").rglob("*")}
    assert {"gfl_bench/run.py", "gfl_bench/conf/hydra/launcher/slurm.yaml", "gfl_bench/sweeps/table05_beta.yaml",
            "hydra_plugins/gfl_bench_launchers/__init__.py"} <= inside  # fmt: skip
    assert not any("__pycache__" in path for path in inside) and "hydra_plugins/__init__.py" not in inside
    assert git_state(tmp_path / "code") == git_state(PACKAGE.parent)


def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main: str) -> Any:
    """A job with the function ``main`` as its snapshot's, started where another gfl_bench lies."""
    for place, text in ((tmp_path / "code", ""), (tmp_path / "start", "raise ImportError('edited')")):
        (place / "gfl_bench").mkdir(parents=True)
        (place / "gfl_bench" / "__init__.py").write_text(text)
    (tmp_path / "code" / "gfl_bench" / "run.py").write_text(main)
    monkeypatch.chdir(tmp_path / "start")
    carry_class()
    options = {**launcher_options("local", "smoke", ()), "submitit_folder": f"{tmp_path}/jobs/%j"}
    return make_executor("local", options).submit(Job(str(tmp_path / "code"), ["cell=table05.beta0", "seed=0"]))


def test_a_job_runs_the_snapshot_though_the_folder_it_starts_in_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ran(tmp_path, monkeypatch, "def main():\n    import sys\n    print(sys.argv[1:])\n    sys.exit(0)\n")
    assert job.result() is None
    assert "['cell=table05.beta0', 'seed=0']" in job.stdout()


def test_a_run_that_fails_fails_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ran(tmp_path, monkeypatch, "def main():\n    raise SystemExit(1)\n")
    assert "RunFailedError: the run failed: cell=table05.beta0 seed=0" in str(job.exception())


def test_a_preempted_job_is_queued_again_with_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ran(tmp_path, monkeypatch, PREEMPTED_ONCE)
    assert job.result() is None
    assert job.stdout().count("Starting with") == 2 and "Requeued job" in job.stdout()


def a_submission(runs: Path, executor: str, **task: Any) -> Submission:
    tasks = (Task("smoke--0123456789/seed0", "table05.beta0", 0, "python -m gfl_bench.run", **task),)
    host = os.uname().nodename
    submission = Submission(new_folder(runs), time.time(), "python -m gfl_bench.sweep", executor, host, None, tasks)
    submission.write()
    return submission


def test_submissions_are_read_back_in_their_order_and_what_is_foreign_is_passed_over(runs: Path) -> None:
    written = [a_submission(runs, "slurm", job="12_3", after="11"), a_submission(runs, "slurm")]
    for number, text in enumerate(("", "[]", '{"schema": 1}', '{"schema": 99}', json.dumps({"tasks": 3}))):
        foreign = runs / ".sweeps" / f"2020{number}"
        foreign.mkdir()
        (foreign / NAME).write_text(text)
    assert read_submissions(runs) == written
    assert written[0].log(written[0].tasks[0]) == written[0].folder / "jobs" / "12_3" / "12_3_0_log.err"
    newer = json.loads((written[1].folder / NAME).read_text())
    newer["tasks"][0]["colour"] = newer["colour"] = "red"
    (written[1].folder / NAME).write_text(json.dumps(newer))
    assert read_submissions(runs) == written, "a later version may say more"


def test_a_local_job_is_live_as_long_as_its_own_process_is_there(runs: Path) -> None:
    submission = a_submission(runs, "local")
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    own = subprocess.Popen([*sleeping, str(submission.folder)])
    other = subprocess.Popen(sleeping)
    folder = runs / "smoke--0123456789" / "seed0"
    try:
        assert live_jobs([submission.taken({folder: str(own.pid)})]) == {str(own.pid): "RUNNING"}
        assert live_jobs([submission.taken({folder: str(other.pid)})]) == {}, "the number is another's by now"
    finally:
        for process in (own, other):
            process.kill()
            process.wait()
    assert live_jobs([submission.taken({folder: str(own.pid)})]) == {}


@pytest.mark.slow
def test_this_machine_runs_what_is_submitted_to_it_and_forgets_nothing(tmp_path: Path) -> None:
    submit = [sys.executable, "-m", "gfl_bench.sweep", "submit", "--local", "--scale", "smoke", "--seeds", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PACKAGE.parent)}

    def call(*words: str) -> str:
        done = subprocess.run([*submit, *words], cwd=tmp_path, env=environment, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "2 to submit" in call("table05.beta0", "table05.beta1")
    assert "2 queued, 1 to submit" in call("table05.beta0", "table05.beta1", "table05.beta2", "--dry-run")
    deadline = time.monotonic() + 240
    while len(list(tmp_path.glob("runs/*/seed0/result.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    results = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/seed0/result.json")]
    assert {result["cell"] for result in results} == {"table05.beta0", "table05.beta1"}
    assert all(result["provenance"]["git"] == git_state(PACKAGE.parent) for result in results)
    assert "0 to submit" in call("table05.beta0", "table05.beta1")
