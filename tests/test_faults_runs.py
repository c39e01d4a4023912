"""Real processes of real runs, killed, doubled, starved and queued again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.slow

STEPS = ("schedule.epochs=3", "schedule.decay_epochs=[2]", "scale.steps_per_epoch=30", "machine.threads=1")
SMOKE = ("scale=smoke", *STEPS, "machine.checkpoint_every=200")


_started: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    for process in _started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    _started.clear()


def start(
    folder: Path, *arguments: str, multirun: bool = False, before: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    flags = ["-m"] if multirun else []
    cache = f"paths.cache={folder.parent / 'cache'}"
    process = subprocess.Popen(
        [sys.executable, "-m", "gfl_bench.run", *flags, *SMOKE, cache, *arguments],
        cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, preexec_fn=before, start_new_session=True,
    )  # fmt: skip
    _started.append(process)
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def wait_for(folder: Path, pattern: str) -> Path:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = next(folder.glob(pattern), None)
        if found is not None:
            return found
        time.sleep(0.02)
    raise TimeoutError(pattern)


def status(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("*/seed0/status.json")
    values: dict[str, Any] = json.loads(path.read_text())
    return values


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (path,) = folder.glob("*/seed0/checkpoint.pt")
    model: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["model"]
    return model


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    code, output = finish(start(place, "paths.runs=whole"))
    assert code == 0, output
    return place / "whole"


def test_submitit_queues_a_preempted_run_again_and_its_weights_are_the_undisturbed_ones(
    place: Path, whole: Path
) -> None:
    launcher = ("hydra/launcher=submitit_local", "hydra.launcher.timeout_min=60")
    sweep = start(place, "seed=0", "paths.runs=queued", *launcher, multirun=True)
    wait_for(place, "queued/*/seed0/metrics.jsonl")
    os.kill(status(place / "queued")["pid"], signal.SIGUSR2)
    code, output = finish(sweep)
    assert code == 0, output
    logs = "".join(path.read_text() for path in place.glob("queued/.hydra/.submitit/*/*_log.err"))
    assert "stopped by SIGUSR2 at step" in logs and "this job is preempted" in logs
    assert status(place / "queued")["state"] == "done"
    torch.testing.assert_close(weights(place / "queued"), weights(whole), rtol=0, atol=0)


def test_of_two_processes_started_on_one_run_one_works_and_the_other_says_so(place: Path, whole: Path) -> None:
    two = [start(place, "paths.runs=two") for _ in range(2)]
    ends = [finish(process) for process in two]
    assert [code for code, _ in ends] == [0, 0], ends
    assert sorted("under way in process" in output for _, output in ends) == [False, True]
    torch.testing.assert_close(weights(place / "two"), weights(whole), rtol=0, atol=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_ends_while_it_generates_scenes_leaves_no_process_behind(place: Path, number: int) -> None:
    cache = place / f"cache{number}"
    process = start(place, f"paths.runs=scenes{number}", f"paths.cache={cache}", "scale.scenes_train=20000")
    wait_for(cache, ".scenes-*/train/*.jpg")
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True)
    process.send_signal(number)
    code, output = finish(process)  # waits for its children too: they hold the pipe
    assert code == (128 + number if number == signal.SIGTERM else -number), output
    assert len(children.stdout.split()) >= 1
    if number == signal.SIGTERM:
        assert status(place / f"scenes{number}")["state"] == "preempted" and list(cache.iterdir()) == []


def test_scenes_that_two_runs_want_are_written_once(place: Path) -> None:
    both = [start(place, f"seed={seed}", "paths.runs=shared", f"paths.cache={place / 'shared'}") for seed in (0, 1)]
    ends = [finish(process) for process in both]
    assert [code for code, _ in ends] == [0, 0], ends
    assert sum(output.count("writing 48 scenes") for _, output in ends) == 1
    assert [path.name for path in (place / "shared").iterdir() if path.name.startswith(".")] == []


def test_too_little_memory_is_recorded_and_with_enough_the_run_continues(place: Path, whole: Path) -> None:
    import resource

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))

    code, output = finish(start(place, "paths.runs=memory", before=starve))
    assert code == 1, output
    assert status(place / "memory")["state"] == "failed"
    assert "too little memory" in status(place / "memory")["message"]
    code, output = finish(start(place, "paths.runs=memory"))
    assert code == 0, output
    torch.testing.assert_close(weights(place / "memory"), weights(whole), rtol=0, atol=0)


def test_a_failed_run_of_a_sweep_is_named_at_its_end_and_the_others_are_done(place: Path) -> None:
    options = ("data=scenes,coco", "data.flip=0.25", "seed=0,1", "paths.runs=sweep")
    code, output = finish(start(place, *options, multirun=True))
    assert code == 1
    assert len(list(place.glob("sweep/*/seed*/result.json"))) == 2
    _, _, end = output.partition("2 runs failed:")
    assert [f"seed {seed}" in line for seed, line in enumerate(end.strip().splitlines())] == [True, True]
