"""A checkpoint is whole or refused with a sentence, and holds all that a training needs to continue."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from standin import StandIn, config

from gfl_bench.atomic import remove_partial
from gfl_bench.engine.checkpoint import CheckpointError, load, resume, save
from gfl_bench.engine.optimizer import build_optimizer
from gfl_bench.engine.state import capture, load_weights, restore


def state_of(seed: int = 0, run: str = "aaaa") -> dict[str, Any]:
    detector = StandIn(seed)
    optimizer = build_optimizer(detector, config().schedule, config().detector.recipe)
    return capture(detector, optimizer, run=run, step=7, seconds=1.5)


def test_state_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    state = state_of()
    save(tmp_path / "checkpoint.pt", state)
    loaded = load(tmp_path / "checkpoint.pt", "aaaa")
    for part in ("model", "random"):
        torch.testing.assert_close(dict(loaded[part]), dict(state[part]), rtol=0, atol=0)
    for part in ("format", "run", "step", "seconds", "optimizer"):
        assert loaded[part] == state[part]


def test_saving_leaves_nothing_else_in_the_folder(tmp_path: Path) -> None:
    for seed in (0, 1):
        save(tmp_path / "checkpoint.pt", state_of(seed))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_failed_write_keeps_the_old_file_and_removes_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.pt"
    save(path, state_of())
    before = path.read_bytes()

    def half(state: object, file: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt: .*No space left on device.*paths\.runs"):
        save(path, state_of(1))
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_folder_that_is_a_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(CheckpointError, match=r"could not be written \(Not a directory\)"):
        save(tmp_path / "runs" / "checkpoint.pt", state_of())


def test_kill_during_a_save_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save(path, state_of())
    before = path.read_bytes()
    killed_within_save = f"""
        import os, signal, torch
        from pathlib import Path
        from gfl_bench.engine.checkpoint import save

        def half(state, file):
            file.write(b"half of a checkpoint")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)

        torch.save = half
        save(Path({str(path)!r}), {{}})
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(killed_within_save)], env=environment)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    remove_partial(tmp_path)  # as whoever claims the folder next does
    assert [one.name for one in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated_file_is_refused_by_name(tmp_path: Path, share: float) -> None:
    path = tmp_path / "checkpoint.pt"
    save(path, state_of())
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt: the checkpoint cannot be read.*remove it"):
        load(path)


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.pt"
    text.write_text("not a checkpoint")
    torch.save({"state_dict": {}}, other)
    with pytest.raises(CheckpointError, match=r"notes\.txt: the checkpoint cannot be read"):
        load(text)
    with pytest.raises(CheckpointError, match=r"other\.pt: this is not a checkpoint of this version"):
        load(other)


@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_training_begins_again_where_its_checkpoint_cannot_be_read(
    content: bytes | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "checkpoint.pt"
    assert resume(path, "aaaa") is None
    save(path, state_of())
    left = path.read_bytes()[:-500] if content is None else content
    path.write_bytes(left)
    assert resume(path, "aaaa") is None
    assert "checkpoint.pt.damaged, and the training begins again" in caplog.text
    assert [one.name for one in tmp_path.iterdir()] == ["checkpoint.pt.damaged"]
    assert (tmp_path / "checkpoint.pt.damaged").read_bytes() == left


def test_checkpoint_of_another_run_is_not_set_aside(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint.pt", state_of(run="aaaa"))
    with pytest.raises(CheckpointError, match="of run aaaa, but this configuration is run bbbb"):
        resume(tmp_path / "checkpoint.pt", "bbbb")
    resumed = resume(tmp_path / "checkpoint.pt", "aaaa")
    assert resumed is not None and resumed["step"] == 7


class Intruder:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("true",)


def test_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"format": Intruder()}, tmp_path / "zip.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Intruder(), protocol=2))
    for name in ("zip.pt", "plain.pt"):
        with pytest.raises(CheckpointError, match=rf"{name}: the checkpoint cannot be read"):
            load(tmp_path / name)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such checkpoint"):
        load(tmp_path / "checkpoint.pt")


def test_checkpoint_of_another_configuration_is_refused_naming_both(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint.pt", state_of(run="aaaa"))
    with pytest.raises(CheckpointError, match="of run aaaa, but this configuration is run bbbb"):
        load(tmp_path / "checkpoint.pt", "bbbb")
    assert load(tmp_path / "checkpoint.pt")["run"] == "aaaa"


def test_weights_of_another_network_are_refused_naming_one_that_differs(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save(path, state_of())
    wider = StandIn()
    wider.box = torch.nn.Conv2d(8, 8, 4, stride=4)
    with pytest.raises(CheckpointError, match=r"do not fit this network, 2 differ, the first of them box\."):
        load_weights(wider, path, config())


def test_weights_of_a_checkpoint_can_be_used_by_themselves(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint.pt", state_of(seed=3))
    detector = StandIn(seed=4)
    load_weights(detector, tmp_path / "checkpoint.pt", config())
    torch.testing.assert_close(dict(detector.state_dict()), dict(StandIn(seed=3).state_dict()), rtol=0, atol=0)


def test_random_numbers_continue_where_they_stopped(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save(path, state_of())
    expected = torch.rand(3)
    torch.manual_seed(99)
    detector = StandIn()
    restore(load(path), detector, build_optimizer(detector, config().schedule, config().detector.recipe), path)
    assert torch.equal(torch.rand(3), expected)
