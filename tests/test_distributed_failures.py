"""Where one process fails all end soon, and what the run says is what that one said."""

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
from processes import Raised, together

from gfl_bench.claim import Lost
from gfl_bench.engine import last_words
from gfl_bench.engine.distributed import World
from gfl_bench.engine.signals import Preempted


def leave(world: World, folder: Path, case: str) -> None:
    """Fail, or be held up, as ``case`` says; rank 0 records to ``folder``."""
    last_words.GRACE, last_words.PATIENCE = 1.0, 1.0
    with world.failing_together(lambda error: (folder / "recorded").write_text(f"{type(error).__name__}: {error}")):
        world.wait()
        if world.rank == 1 or case == "both":
            {"killed": die, "stopped": stop, "lost": lose}.get(case, bad)(world.rank)
        if case == "busy":
            time.sleep(30)  # as long as a GPU would wait
        world.wait()


def bad(rank: int) -> None:
    raise ValueError(f"rank {rank} is bad")


def die(rank: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stop(rank: int) -> None:
    raise Preempted(None, signal.SIGTERM)


def lose(rank: int) -> None:
    raise Lost("taken over by another process")


def failing(folder: Path, case: str) -> tuple[Any, Any, str]:
    main, other = together(leave, folder, case)
    path = folder / "recorded"
    return main, other, path.read_text() if path.exists() else ""


def test_the_error_of_another_process_is_the_run_s_with_its_own_traceback(tmp_path: Path) -> None:
    main, other, recorded = failing(tmp_path, "raises")
    first, _, trace = main.text.partition("\n")
    assert main.kind == "RankError" and first.startswith("rank 1 of 2 (")
    assert first.endswith("ValueError: rank 1 is bad")
    assert "in bad" in trace and "gloo" not in trace.lower()
    assert (other.kind, other.text) == ("ValueError", "rank 1 is bad")
    assert recorded == f"RankError: {main.text}"


def test_a_process_that_does_not_notice_is_ended_after_recording_the_error(tmp_path: Path) -> None:
    start = time.monotonic()
    main, other, recorded = failing(tmp_path, "busy")
    assert main is None and other.kind == "ValueError" and time.monotonic() - start < 25
    assert recorded.startswith("RankError: rank 1 of 2") and "ValueError: rank 1 is bad" in recorded


def test_a_mistake_that_all_make_is_told_by_rank_0_itself(tmp_path: Path) -> None:
    main, _, recorded = failing(tmp_path, "both")
    assert (main.kind, main.text) == ("ValueError", "rank 0 is bad") and recorded == "ValueError: rank 0 is bad"


def test_a_process_that_was_killed_is_missed_in_words(tmp_path: Path) -> None:
    main, other, recorded = failing(tmp_path, "killed")
    assert other is None and main.kind == "PeerError"
    assert recorded.startswith("PeerError: rank 1 of 2 ended without a word: it was killed, or ran out of memory")


@pytest.mark.parametrize(("case", "kind"), [("stopped", "Preempted"), ("lost", "Lost")])
def test_what_is_no_mistake_of_one_process_is_none_of_all(tmp_path: Path, case: str, kind: str) -> None:
    main, other, recorded = failing(tmp_path, case)
    assert isinstance(main, Raised) and main.kind == other.kind == kind and main.text == other.text
    assert recorded == ""


FAILING = """
import os, sys
from gfl_bench import experiment, run

def bad(self):
    if os.environ["RANK"] == "1" and self.config.seed == 0:
        raise OSError("the lens of rank 1 is broken")
    return train(self)

train = experiment.Experiment._train
experiment.Experiment._train = bad
run.main()
"""


def torchrun(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_torchrun_ends_with_the_rank_s_own_error_and_so_does_the_record_and_a_sweep_goes_on(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    code, output = torchrun(tmp_path, "failing.py", "-m", "scale=smoke", "guidance=none", "seed=0,1")
    assert code != 0 and "the lens of rank 1 is broken" in output and "closed by peer" not in output
    states = {path.parent.name: json.loads(path.read_text()) for path in tmp_path.glob("runs/*/*/status.json")}
    assert {name: status["state"] for name, status in states.items()} == {"seed0": "failed", "seed1": "done"}, output
    message = states["seed0"]["message"]
    assert message.splitlines()[0].endswith("OSError: the lens of rank 1 is broken") and "in bad" in message


@pytest.mark.slow
def test_two_processes_of_torchrun_leave_the_record_of_one(tmp_path: Path) -> None:
    options = ["scale=smoke", "cell=table11.gfocal", "precision=fp32", "backbone.norm_eval=true"]
    code, output = torchrun(tmp_path, "-m", "gfl_bench.run", *options, "paths.runs=two")
    assert code == 0 and output.count("training 12/12") == 1, output
    command = [sys.executable, "-m", "gfl_bench.run", *options, "paths.runs=one"]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    (two,), (one,) = tmp_path.glob("two/*/seed0"), tmp_path.glob("one/*/seed0")
    assert {path.name for path in two.iterdir()} == {path.name for path in one.iterdir()}
    records = [json.loads((folder / "result.json").read_text()) for folder in (one, two)]
    assert [record["provenance"]["processes"] for record in records] == [1, 2]
    whole, shared = (record["quality"] for record in records)
    assert shared["count"] == whole["count"] and shared["pearson"] == pytest.approx(whole["pearson"], abs=1e-3)
    logs = [(folder / "metrics.jsonl").read_text().splitlines() for folder in (one, two)]
    losses = [[json.loads(line)["loss"] for line in lines] for lines in logs]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
