"""The command line as a person uses it: from any folder, again and again, with kills in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SMOKE = ["scale=smoke", "schedule.epochs=3", "schedule.decay_epochs=[2]", "schedule.warmup_steps=2"]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gfl_bench.run", *arguments]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder.parent / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    process = start(folder, *arguments)
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """Results by run folder and seed."""
    files = sorted(folder.glob("runs/*/seed*/result.json"))
    return {f"{file.parent.parent.name}/{file.parent.name}": json.loads(file.read_text()) for file in files}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.mark.slow
def test_a_table_runs_and_a_second_call_skips_everything(folder: Path) -> None:
    arguments = ("-m", "sweep=table05", "seed=0", "machine.log_every=1", *SMOKE)
    code, output = run(folder, *arguments)
    assert code == 0, output
    first = results(folder)
    assert len(first) == 5
    betas = ("0", "1", "2", "2.5", "4")
    assert {record["cell"] for record in first.values()} == {f"table05.beta{beta}" for beta in betas}
    code, output = run(folder, *arguments)
    assert code == 0 and output.count("finished already") == 5, output
    assert results(folder) == first


@pytest.mark.slow
def test_a_record_holds_what_the_tables_need(folder: Path) -> None:
    code, output = run(folder, "cell=table11.gfocal", "seed=7", *SMOKE)
    assert code == 0, output
    (path,) = folder.glob("runs/*gen*distribution*/seed7")
    record = json.loads((path / "result.json").read_text())
    assert record["state"] == "done" and record["scale"] == "smoke" and record["seed"] == 7
    assert {"AP", "AP50", "AP75", "APs", "APm", "APl", "PCC", "FPS", "MR", "JI"} <= set(record["metrics"])
    assert record["metrics"]["training_hours"] > 0
    assert 0 <= record["metrics"]["AP"] <= 100 and record["metrics"]["FPS"] > 0 and record["metrics"]["MR"] is None
    assert record["parameters"] > 0 and record["flops"] > 0 and len(record["speed"]["samples_ms"]) == 4
    assert record["command"].startswith("python -m gfl_bench.run cell=table11.gfocal seed=7")
    expected = {"config.yaml", "status.json", "result.json", "metrics.jsonl", "detections.json.gz", "evidence.npz",
                "checkpoint.pt"}  # fmt: skip
    assert {file.name for file in path.iterdir()} == expected


@pytest.mark.slow
def test_a_product_of_options_is_one_run_each(folder: Path) -> None:
    code, output = run(folder, "-m", "guidance=none", "quality.beta=0,1", "seed=0,1", "paths.runs=product", *SMOKE)
    assert code == 0, output
    assert len(list(folder.glob("product/*/seed*/result.json"))) == 4


@pytest.mark.slow
def test_killed_in_the_middle_the_same_command_ends_with_the_same_numbers(folder: Path) -> None:
    arguments = ("cell=table11.gfocal", "machine.checkpoint_every=1", "machine.workers=1", "seed=11", *SMOKE)
    arguments += ("scale.steps_per_epoch=8",)
    code, output = run(folder, *arguments, "paths.runs=whole")
    assert code == 0, output
    process = start(folder, *arguments, "paths.runs=killed")
    deadline = time.monotonic() + 120
    while not list(folder.glob("killed/*/seed11/checkpoint.pt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not list(folder.glob("killed/*/seed11/result.json"))
    code, output = run(folder, *arguments, "paths.runs=killed")
    assert code == 0, output
    (whole,), (killed,) = folder.glob("whole/*/seed11"), folder.glob("killed/*/seed11")
    assert (whole / "detections.json.gz").read_bytes() == (killed / "detections.json.gz").read_bytes()
    undisturbed, resumed = (json.loads((path / "result.json").read_text())["metrics"] for path in (whole, killed))
    timed = {"FPS": 0, "training_hours": 0}
    assert undisturbed | timed == resumed | timed


@pytest.mark.slow
def test_a_preempted_run_says_so_and_continues(folder: Path) -> None:
    arguments = ("cell=table11.qfl", "seed=3", "paths.runs=preempted", *SMOKE, "scale.steps_per_epoch=100")
    process = start(folder, *arguments)
    deadline = time.monotonic() + 120
    while not list(folder.glob("preempted/*/seed3/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, output
    (path,) = folder.glob("preempted/*/seed3")
    assert json.loads((path / "status.json").read_text())["state"] == "preempted"


@pytest.mark.slow
def test_a_run_that_fails_is_recorded_and_the_sweep_goes_on(folder: Path) -> None:
    code, output = run(
        folder, "-m", "data=scenes,coco", "guidance=none", "paths.runs=failing", "data.flip=0.25", *SMOKE
    )
    assert code == 1
    assert "data/coco" in output
    states = [json.loads(path.read_text())["state"] for path in folder.glob("failing/*/seed0/status.json")]
    assert sorted(states) == ["done", "failed"]


@pytest.mark.slow
def test_a_diverged_run_is_a_result(folder: Path) -> None:
    code, output = run(
        folder, "guidance=none", "schedule.lr=1e30", "schedule.warmup_factor=1", "paths.runs=diverged", *SMOKE
    )
    assert code == 0, output
    (path,) = folder.glob("diverged/*/seed0/result.json")
    record = json.loads(path.read_text())
    assert record["state"] == "diverged" and record["diverged"]["step"] >= 1 and record["diverged"]["term"]
    assert record["metrics"]["AP"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["quality=iou_branch", "guidance=none", "quality.beta=1"], "quality.beta"),
        (["box=dirac"], "guidance=distribution reads the bins"),
        (["cell=table05.beta3"], "table05.beta3"),
        (["sweep=table05"], "put -m before it"),
        (["checkpoint=nothing.pt", "mode=evaluate", "paths.runs=none"], "nothing.pt"),
    ],
)
@pytest.mark.slow
def test_a_mistake_is_refused_in_words(folder: Path, arguments: list[str], words: str) -> None:
    code, output = run(folder, *SMOKE, *arguments)
    assert code == 1
    assert words in output


def test_help_lists_the_cells_and_imports_no_torch(folder: Path) -> None:
    code, output = run(folder, "--help")
    assert code == 0
    assert "table05.beta2.5" in output and "quality" in output
    script = "import sys; import gfl_bench.run, gfl_bench.config.compose; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
