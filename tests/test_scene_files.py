"""The generated data set on disk: ordinary COCO, written once and whole."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from gfl_bench.data.error import DataError
from gfl_bench.data.scenes import write
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.data.scenes.write import SceneSettings, ensure_scenes

SMALL = SceneSettings(size=96, train_images=5, val_images=2, seed=3)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_scenes(SMALL, tmp_path_factory.mktemp("cache"), processes=1)


def test_what_is_written_does_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    one, two = (ensure_scenes(SMALL, tmp_path / str(count), processes=count) for count in (1, 2))
    assert contents(one) == contents(two)
    assert len(contents(one)) == 5 + 2 + 2


def test_pycocotools_reads_the_written_set(folder: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(folder / "annotations" / "train.json"))
    assert len(coco.imgs) == 5
    assert [one["name"] for one in coco.loadCats(coco.getCatIds())] == list(NAMES)
    for image in coco.loadImgs(coco.getImgIds()):
        assert (folder / "train" / image["file_name"]).is_file()


def test_annotations_keep_sigma_true_box_and_an_area_that_is_the_boxs(folder: Path) -> None:
    annotations = json.loads((folder / "annotations" / "train.json").read_text())["annotations"]
    assert annotations
    for one in annotations:
        assert len(one["sigma"]) == len(one["side"]) == len(one["true_bbox"]) == 4
        assert one["area"] == pytest.approx(one["bbox"][2] * one["bbox"][3], abs=0.01)


def test_scenes_that_are_there_are_not_written_again_and_other_settings_go_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_write", lambda *_: pytest.fail("written again"))
    assert ensure_scenes(SMALL, folder.parent) == folder
    others = {SceneSettings(96, 5, 2, 4), SceneSettings(128, 5, 2, 3), SceneSettings(96, 6, 2, 3)}
    assert len({settings.folder_name() for settings in others} | {folder.name}) == 4


def test_a_generation_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(write, "coco_dataset", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        ensure_scenes(SMALL, tmp_path, processes=1)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_generation_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    settings = SceneSettings(96, 3000, 2, 3)
    code = (
        "from pathlib import Path\nfrom gfl_bench.data.scenes.write import SceneSettings, ensure_scenes\n"
        f"ensure_scenes({settings!r}, Path({str(tmp_path)!r}), 1)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    generation = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
    while not any(tmp_path.glob(".scenes-*/train/*.jpg")):
        assert generation.poll() is None
        time.sleep(0.02)
    os.killpg(generation.pid, signal.SIGKILL)
    generation.wait()
    assert not (tmp_path / settings.folder_name()).exists()
    (left,) = tmp_path.glob(".scenes-*.partial")
    os.utime(left, (0, 0))  # as if long ago
    ensure_scenes(SMALL, tmp_path, processes=1)
    assert not left.exists()


def test_of_two_processes_that_write_the_same_scenes_the_first_to_finish_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(settings: SceneSettings, partial: Path, processes: int | None) -> None:
        (partial / "mine").touch()
        (tmp_path / settings.folder_name()).mkdir()
        (tmp_path / settings.folder_name() / "theirs").touch()

    monkeypatch.setattr(write, "_write", overtaken)
    folder = ensure_scenes(SMALL, tmp_path)
    assert [path.name for path in folder.iterdir()] == ["theirs"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/cache/scenes-.*cannot be written.*paths\.cache"):
        ensure_scenes(SMALL, tmp_path / "file" / "cache")


@pytest.mark.parametrize(("settings", "named"), [
    (SceneSettings(32, 5, 2, 0), "data.size=32"),
    (SceneSettings(96, 0, 2, 0), "data.train_images=0"),
    (SceneSettings(96, 5, -1, 0), "data.val_images=-1"),
])
def test_settings_that_allow_no_scene_are_refused(settings: SceneSettings, named: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=named):
        ensure_scenes(settings, tmp_path)
    assert list(tmp_path.iterdir()) == []
