"""A disk that is full or write-protected costs a run no more than the time since its last checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from run_folder import CONFIG, a_result, status_of
from small_disk import SmallDisk, small_disk

from gfl_bench.data.error import DataError
from gfl_bench.data.scenes.write import SceneSettings, ensure_scenes
from gfl_bench.engine.checkpoint import CheckpointError, save
from gfl_bench.evaluate import detections
from gfl_bench.results.cache import write_cache
from gfl_bench.results.record import RunFolder, RunFolderError

STATE = {"weights": torch.zeros(100_000)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path) as disk:
        yield disk


@pytest.fixture
def run(disk: SmallDisk) -> RunFolder:
    return RunFolder(disk.folder / "smoke--0123456789" / "seed3")


def test_a_run_that_finds_the_disk_full_says_so_in_its_record_and_continues_later(
    disk: SmallDisk, run: RunFolder
) -> None:
    run.start(CONFIG)
    run.log({"step": 4, "loss": 2.0})
    disk.fill()
    with pytest.raises(OSError, match="No space left") as full:
        for step in range(5, 10**4):
            run.log({"step": step, "loss": 1.0})
    run.fail(full.value)
    assert status_of(run).state == "failed"
    assert "No space left on device" in status_of(run).message and "free some space" in status_of(run).message
    told = run.metrics()
    with pytest.raises(RunFolderError, match=r"cannot be written \(No space left on device\).*paths\.runs"):
        RunFolder(run.path).start(CONFIG)
    assert status_of(run).state == "failed", "the old status stays"
    disk.free()
    again = RunFolder(run.path)
    again.start(CONFIG)
    assert again.metrics() == told
    again.finish(a_result())
    assert again.is_finished()


def test_a_result_that_finds_no_space_is_not_there_in_part(disk: SmallDisk, run: RunFolder) -> None:
    run.start(CONFIG)
    disk.fill()
    with pytest.raises(OSError, match="No space left"):
        run.finish(a_result())
    assert not run.is_finished()
    disk.free()
    run.finish(a_result())
    assert run.is_finished() and status_of(run).state == "done"
    assert sorted(path.name for path in run.path.iterdir()) == ["config.yaml", "result.json", "status.json"]


WRITERS: dict[str, Callable[[Path], Any]] = {
    "checkpoint.pt": lambda path: save(path, STATE),
    "detections.json.gz": lambda path: detections.save(path, [{"image_id": number} for number in range(20_000)]),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_finds_no_space_stays_the_old_one(name: str, disk: SmallDisk) -> None:
    path = disk.folder / name
    WRITERS[name](path)
    before = path.read_bytes()
    disk.fill()
    with pytest.raises((OSError, CheckpointError), match="No space left on device") as told:
        WRITERS[name](path)
    assert "\n" not in str(told.value)
    assert path.read_bytes() == before
    assert sorted(one.name for one in disk.folder.iterdir()) == sorted([name, "filler"])


def test_a_cache_that_finds_no_space_is_done_without(disk: SmallDisk) -> None:
    disk.fill()
    write_cache(disk.folder, ("cell",), {}, now=0)
    assert [one.name for one in disk.folder.iterdir()] == ["filler"]


@pytest.mark.slow
def test_scenes_that_find_no_space_leave_nothing_and_say_so(disk: SmallDisk) -> None:
    settings = SceneSettings(320, 2000, 2, 3)
    with pytest.raises(DataError, match=r"No space left on device.*paths\.cache"):
        ensure_scenes(settings, disk.folder, processes=1)
    assert list(disk.folder.iterdir()) == []


def test_a_folder_that_becomes_read_only_ends_the_run_in_words_and_stays_as_it_was(
    disk: SmallDisk, run: RunFolder
) -> None:
    run.start(CONFIG)
    disk.protect()
    with pytest.raises(OSError, match="Read-only file system") as protected:
        run.log({"step": 4})
    run.fail(protected.value)
    assert status_of(run).state == "running", "nothing can be written"
    with pytest.raises(RunFolderError, match=r"cannot be written \(Read-only file system\)"):
        RunFolder(disk.folder / "smoke--other" / "seed0").start(CONFIG)
