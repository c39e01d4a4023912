"""MR, AP and JI counted again from the detections that a run on crowds kept."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from recorded import a_run

from analysis.reevaluate import main
from gfl_bench.data.scenes.crowds.content import CrowdSettings
from gfl_bench.data.scenes.write import ensure_scenes
from gfl_bench.evaluate import detections as kept
from gfl_bench.evaluate.crowdhuman import evaluate

SETTINGS = CrowdSettings(size=96, train_images=1, val_images=6, seed=0)
OPTIONS = ["data.size=96", "data.train_images=1", "data.val_images=6"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def run(runs: Path, cache: Path) -> Path:
    """A run that found every second person, and each twice."""
    annotations = ensure_scenes(SETTINGS, cache, processes=1) / "annotations" / "val.json"
    persons = [one for one in json.loads(annotations.read_text())["annotations"] if not one["iscrowd"]]
    found = [
        {"image_id": one["image_id"], "category_id": 1, "bbox": [x + moved, y, w, h], "score": 0.9 - 0.01 * moved}
        for one in persons[::2] for moved in (0, 1) for x, y, w, h in [one["bbox"]]
    ]  # fmt: skip
    folder = a_run(runs, "table14.fcos", ap=None, extra=[*OPTIONS, f"paths.cache={cache}"])
    kept.save(folder.detections, found)
    result = json.loads((folder.path / "result.json").read_text())
    result |= {"state": "done", "diverged": None}
    result["metrics"] |= evaluate(annotations, found)
    (folder.path / "result.json").write_text(json.dumps(result))
    return folder.path


def line_of(folder: Path) -> dict[str, str]:
    (line,) = csv.DictReader((folder / "reevaluation.csv").read_text().splitlines())
    return line


def test_counting_again_finds_what_the_run_measured(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--runs", str(run.parents[1]), "--out", str(tmp_path / "again")])
    line = line_of(tmp_path / "again")
    assert [float(line[f"{name}_to_record"]) for name in ("MR", "AP", "JI")] == [0.0] * 3
    assert float(line["AP"]) > 20 and line["tool"].startswith("gfl_bench")
    assert "table14.fcos" in capsys.readouterr().out


def test_one_box_a_person_is_left_by_a_stricter_nms_and_the_sets_agree_better(run: Path, tmp_path: Path) -> None:
    main(["--runs", str(run.parents[1]), "--nms", "0.55", "--out", str(tmp_path / "again")])
    line = line_of(tmp_path / "again")
    assert float(line["JI_to_record"]) > 0


def test_other_thresholds_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--runs", str(run.parents[1]), "--ious", "0.7"])
    assert "counted at an IoU of 0.5 alone" in capsys.readouterr().err
