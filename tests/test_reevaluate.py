"""AP counted again from kept detections is what the run measured; what is not stored is refused."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from recorded import a_run, tables

from analysis.reevaluate import main
from analysis.reevaluation.filter import Filter
from gfl_bench.evaluate import detections as kept
from gfl_bench.evaluate.coco import COLUMNS, evaluate
from gfl_bench.models.postprocess import class_wise_nms
from gfl_bench.results.record import RunFolder

GOLDENS = Path(__file__).parent / "goldens"
SMALL = GOLDENS / "cocoeval_small_gt.json"
FOUND: list[dict[str, Any]] = json.loads((GOLDENS / "cocoeval_small_dt.json").read_text())


def a_measured_run(runs: Path, cell: str = "table05.beta2", seed: int = 0) -> RunFolder:
    extra = ("data=coco", f"data.val.annotations={SMALL}")
    folder = a_run(runs, cell, seed=seed, extra=extra, name=cell, FPS=50.0)
    kept.save(folder.detections, FOUND)
    result = json.loads((folder.path / "result.json").read_text())
    result["metrics"] |= evaluate(SMALL, FOUND)
    result["command"] = f"python -m gfl_bench.run cell={cell}"
    (folder.path / "result.json").write_text(json.dumps(result))
    return folder


def spreadsheet_line(folder: Path) -> dict[str, str]:
    (line,) = csv.DictReader((folder / "reevaluation.csv").read_text().splitlines())
    return line


def test_counting_again_finds_what_the_run_measured(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_measured_run(runs)
    for tool in ([], ["--referee"]):
        main(["--runs", str(runs), "--out", str(tmp_path / "again"), *tool])
        line = spreadsheet_line(tmp_path / "again")
        assert [float(line[f"{name}_to_record"]) for name in COLUMNS] == [0.0] * 6
        assert line["tool"].startswith("pycocotools" if tool else "faster-coco-eval")
    assert "table05.beta2" in capsys.readouterr().out


@pytest.mark.parametrize("threshold", [0.2, 0.45])
def test_a_stricter_nms_leaves_what_torchvisions_would_of_the_stored_boxes(threshold: float) -> None:
    left = Filter(nms=threshold).apply(FOUND)
    for image in {one["image_id"] for one in FOUND}:
        ones = sorted((one for one in FOUND if one["image_id"] == image), key=lambda one: -one["score"])
        boxes = torch.tensor([one["bbox"] for one in ones], dtype=torch.float64)
        boxes[:, 2:] += boxes[:, :2]
        scores, labels = (torch.tensor([one[name] for one in ones]) for name in ("score", "category_id"))
        expected = sorted(class_wise_nms(boxes, scores.double(), labels, threshold).tolist())
        assert [one for one in left if one["image_id"] == image] == [ones[index] for index in expected]
    assert len(left) < len(FOUND)


def test_fewer_detections_are_the_best_of_each_image() -> None:
    left = Filter(max_detections=2).apply(FOUND)
    for image in {one["image_id"] for one in FOUND}:
        scores = sorted((one["score"] for one in FOUND if one["image_id"] == image), reverse=True)
        assert [one["score"] for one in left if one["image_id"] == image] == scores[:2]


@pytest.mark.parametrize(("option", "name"), [("--nms", "nms_iou"), ("--max-detections", "max_detections")])
def test_what_nms_dropped_is_not_invented_but_the_command_that_detects_again_is_told(
    runs: Path, capsys: pytest.CaptureFixture[str], option: str, name: str
) -> None:
    folder = a_measured_run(runs)
    with pytest.raises(SystemExit, match="was counted"):
        main(["--runs", str(runs), option, {"--nms": "0.7", "--max-detections": "300"}[option]])
    reason = capsys.readouterr().err
    assert f"detected with {name}=" in reason and "not stored" in reason
    assert f"gfl_bench.run cell=table05.beta2 mode=evaluate checkpoint={folder.path}/checkpoint.pt" in reason
    assert f"detector.postprocess.{name}=" in reason


def test_a_run_that_cannot_be_counted_is_named_and_the_others_are(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = a_measured_run(runs)
    cut, none, foreign, strange = (a_measured_run(runs, seed=seed) for seed in (1, 2, 3, 4))
    cut.detections.write_bytes(cut.detections.read_bytes()[:500])
    none.detections.unlink()
    kept.save(foreign.detections, [{"image_id": 1, "boxes": []}])
    kept.save(strange.detections, [FOUND[0] | {"image_id": 10**6}])
    main(["--runs", str(runs)])
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 3 and whole.path.parent.name  # head, rule, one run
    for folder, reason in (
        (cut, "cannot be read"), (none, "kept no detections"), (foreign, "no COCO results"), (strange, "image 1000000"),
    ):
        assert any(str(folder.path) in line and reason in line for line in output.err.splitlines())


def test_tables_are_made_of_the_new_numbers_and_say_what_was_changed(runs: Path, tmp_path: Path) -> None:
    a_measured_run(runs)
    main(["--runs", str(runs), "--nms", "0.3", "--out", str(tmp_path / "again")])
    (sheet,) = tables("table05", runs=tmp_path / "again")
    line = next(line for line in sheet.lines if line.entries[0].measured[0].isdigit())
    expected = evaluate(SMALL, Filter(nms=0.3).apply(FOUND))["AP"]
    assert expected is not None and line.entries[0].measured == f"{expected:.1f}"
    assert "detector.postprocess.nms_iou=0.3" in sheet.caption
    copy = json.loads(next((tmp_path / "again").glob("*/seed0/result.json")).read_text())
    assert copy["metrics"]["FPS"] is None  # it was timed with the other NMS


def test_ap_over_other_thresholds_never_becomes_a_record(runs: Path, tmp_path: Path) -> None:
    a_measured_run(runs)
    main(["--runs", str(runs), "--ious", "0.5", "0.6", "--by-class", "--out", str(tmp_path / "again")])
    line = spreadsheet_line(tmp_path / "again")
    assert float(line["AP"]) == pytest.approx((float(line["AP@0.5"]) + float(line["AP@0.6"])) / 2)
    assert float(line["AP@0.5"]) == pytest.approx(evaluate(SMALL, FOUND)["AP50"])
    assert not list((tmp_path / "again").glob("*/*/result.json"))


def test_counting_again_imports_no_torch() -> None:
    code = "import sys, analysis.reevaluate; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
