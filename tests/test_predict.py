"""``python -m gfl_bench.predict`` shows and writes what a checkpoint finds in anybody's pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from pycocotools.coco import COCO
from torch import Tensor
from trained_runs import leave_run

from gfl_bench.config.schema import Config
from gfl_bench.data.images import read_upright
from gfl_bench.engine.trained import load_trained
from gfl_bench.predict.__main__ import main
from gfl_bench.predict.drawing import draw
from gfl_bench.predict.inputs import find_inputs
from gfl_bench.predict.predictor import Predictor
from gfl_bench.structures import Detections


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return leave_run(tmp_path / "runs")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, size in enumerate([(96, 64), (64, 128)]):
        pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def found(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "detections.json").read_text())
    return content


def call(*words: object) -> None:
    main([*map(str, words), "--threshold", "0"])


def test_run_folder_is_enough_and_what_is_written_is_a_coco_data_set(run: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call(pictures, f"checkpoint={run}", "detector.postprocess.score_threshold=0", "--out", out)
    content = found(out)
    assert [(one["width"], one["height"]) for one in content["images"]] == [(64, 96), (128, 64)]
    assert {one["category_id"] for one in content["annotations"]} <= {one["id"] for one in content["categories"]}
    boxes = np.array([one["bbox"] for one in content["annotations"] if one["image_id"] == 2])
    assert len(boxes) and (boxes[:, :2] + boxes[:, 2:] <= [128.01, 64.01]).all(), "in pixels of the picture itself"
    assert len(COCO(out / "detections.json").getAnnIds()) == len(content["annotations"])
    assert sorted(path.name for path in out.iterdir()) == ["0.jpg", "1.jpg", "detections.json"]
    with Image.open(out / "1.jpg") as drawn:
        assert drawn.size == (128, 64)


def test_checkpoint_of_a_run_and_its_folder_are_the_same(run: Path) -> None:
    by_folder, by_file = load_trained([f"checkpoint={run}"]), load_trained([f"checkpoint={run / 'checkpoint.pt'}"])
    saved = torch.load(run / "checkpoint.pt", weights_only=True)["model"]
    assert by_folder.config == by_file.config
    assert all(torch.equal(value, saved[name]) for name, value in by_folder.detector.state_dict().items())


def test_file_elsewhere_has_the_options_of_the_command_line(run: Path, tmp_path: Path) -> None:
    moved = (run / "checkpoint.pt").rename(tmp_path / "moved.pt")
    assert load_trained([f"checkpoint={moved}", "scale=smoke", "guidance=none"]).checkpoint == moved
    with pytest.raises(ValueError, match="the weights do not fit this network"):
        load_trained([f"checkpoint={moved}", "scale=smoke", "guidance=none", "box=dirac"])


def test_what_cannot_be_read_is_named_and_the_others_are_done(
    run: Path, pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (pictures / "broken.jpg").write_text("no picture")
    with pytest.raises(SystemExit, match="1 could not be read"):
        call(pictures, f"checkpoint={run}", "--out", tmp_path / "out")
    assert "broken.jpg: the image cannot be decoded" in caplog.text
    assert len(found(tmp_path / "out")["images"]) == 2


@pytest.mark.parametrize(("words", "sentence"), [
    (["nowhere"], "nowhere: there is no such file or folder"), (["{empty}"], "there is no picture in this folder"),
    (["{pictures}"], "say by what: checkpoint=FILE"), ([], "say in what: a picture"),
    (["{pictures}", "checkpoint={tmp}/none.pt"], "there is no such checkpoint"),
    (["{pictures}", "checkpoint={run}/.."], "give one of seed0 in it"),
    (["{pictures}", "checkpoint={run}", "cell=table11.atss"], "the run has its config already"),
    (["{pictures}", "checkpoint={run}", "data.sise=3"], "sise"),
])  # fmt: skip
def test_a_mistake_ends_with_a_sentence(
    words: list[str], sentence: str, run: Path, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"run": run, "pictures": pictures, "tmp": tmp_path, "empty": tmp_path / "empty"}
    with pytest.raises(SystemExit, match=sentence):
        call(*(word.format(**places) for word in words or ["data.size=64"]), "--out", tmp_path / "out")


def test_photograph_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by a quarter
    Image.new("RGB", (40, 20)).save(tmp_path / "held.jpg", exif=exif)
    assert read_upright(tmp_path / "held.jpg").shape == (40, 20, 3)


def test_threshold_is_of_the_final_score(run: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    trained = load_trained([f"checkpoint={run}", "detector.postprocess.score_threshold=0"])
    scores = Predictor(trained)(pixels).scores
    middle = float(scores.median())
    assert torch.equal(Predictor(trained, middle)(pixels).scores, scores[scores >= middle])


def test_boxes_are_drawn_where_they_are_and_pictures_without_any_stay_as_they_are() -> None:
    black = np.zeros((100, 100, 3), np.uint8)

    def detections(boxes: Tensor) -> Detections:
        return Detections(boxes, torch.full((len(boxes),), 0.5), torch.zeros(len(boxes), dtype=torch.int64))

    drawn = draw(black, detections(torch.tensor([[20.0, 40, 70, 90]])), ["thing"])
    rows, columns = drawn[60:].any(axis=2).any(axis=1).nonzero()[0] + 60, drawn[80].any(axis=1).nonzero()[0]
    assert rows.max() in range(88, 93) and columns.min() in range(18, 23) and columns.max() in range(68, 73)
    assert not draw(black, detections(torch.zeros(0, 4)), ["thing"]).any()


def test_folders_are_searched_and_named_files_taken_once(pictures: Path) -> None:
    (pictures / "notes.txt").write_text("")
    (pictures / "deeper").mkdir()
    (pictures / "0.png").rename(pictures / "deeper" / "A.PNG")
    names = [path.name for path in find_inputs([pictures / "1.png", pictures])]
    assert names == ["1.png", "A.PNG"]


def test_frames_of_a_video_are_drawn_and_numbered(run: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "clip.mp4"), "w") as writer:
        stream = writer.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in (0, 100, 200):
            writer.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8))))
        writer.mux(stream.encode())
    call(tmp_path / "clip.mp4", f"checkpoint={run}", "--out", tmp_path / "out")
    assert [one["frame"] for one in found(tmp_path / "out")["images"]] == [0, 1, 2]
    with av.open(str(tmp_path / "out" / "clip.mp4")) as reader:
        assert [(frame.width, frame.height) for frame in reader.decode(video=0)] == [(64, 48)] * 3


def test_stored_config_is_the_one_that_ran(run: Path) -> None:
    config: Config = load_trained([f"checkpoint={run}", "machine.device=cpu"]).config
    assert (config.scale.name, config.guidance.name, config.machine.device) == ("smoke", "none", "cpu")
