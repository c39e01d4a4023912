"""``python -m gfl_bench.speed`` times cells in turns and leaves one record of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from standin import StandIn, random_batch
from torch import Tensor
from torch.optim import SGD

from gfl_bench.config.compose import register_options
from gfl_bench.config.identity import plain, run_id, run_name
from gfl_bench.config.schema import Config, Precision
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.engine.checkpoint import save
from gfl_bench.engine.state import capture
from gfl_bench.models.build import build_detector
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Result
from gfl_bench.results.speed_records import load_speed
from gfl_bench.speed.__main__ import main
from gfl_bench.speed.build import build_cells, compose_cells, find_weights
from gfl_bench.speed.conditions import own_seconds
from gfl_bench.speed.error import SpeedError
from gfl_bench.speed.options import Options, chosen, parse
from gfl_bench.speed.stages import Stage, TimedDetector
from gfl_bench.structures import Batch, Detections, HeadOutput

pytestmark = pytest.mark.slow
SMALL = ["scale=smoke", "size=64x96", "machine.device=cpu", "images=2", "rounds=3"]


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return [f"paths.runs={tmp_path / 'runs'}", f"paths.cache={tmp_path / 'cache'}"]


def the_record(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("runs/speed/*/session0.json")
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def names(*arguments: str) -> list[str]:
    return list(chosen(parse(arguments), register_options()))


def test_session_leaves_samples_ratios_and_the_conditions_they_were_taken_under(
    tmp_path: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sweep=table12", "cell=fcos,fcos_gfocal,retinanet", "baseline=retinanet", "candidates=50", *SMALL, *places,
          "precision=fp32"])  # fmt: skip
    record = the_record(tmp_path)
    assert list(record["cells"]) == ["table12.retinanet", "table12.fcos", "table12.fcos_gfocal"]
    gfocal = record["cells"]["table12.fcos_gfocal"]
    assert list(gfocal["stages"]) == ["model", "detect", "end_to_end"]
    assert {len(stage["samples_ms"]) for stage in gfocal["stages"].values()} == {3}
    assert gfocal["stages"]["detect"]["ratios"].keys() == {"table12.retinanet", "table12.fcos"}
    assert {cell["post_processing"]["passing"] for cell in record["cells"].values()} == {50}
    assert record["protocol"]["weights"] == "random" and record["protocol"]["candidates"] == 50
    assert record["conditions"]["load"].keys() >= {"own_share", "others_share"}
    shown = capsys.readouterr().out
    assert "FCOS with GFocal" in shown and "50 scores an image pass" in shown


def test_record_is_what_the_reader_reads(tmp_path: Path, places: list[str]) -> None:
    main(["cell=table11.atss,table11.gfocal", "stage=detect", "candidates=null", *SMALL, *places])
    (comparison,) = load_speed(tmp_path / "runs").comparisons
    ratio, speed = comparison.ratio("table11.gfocal", "table11.atss"), comparison.speed("table11.gfocal")
    written = the_record(tmp_path)["cells"]["table11.gfocal"]["stages"]["detect"]
    assert ratio is not None and speed is not None
    assert ratio.to_dict() == written["ratios"]["table11.atss"]
    assert (speed.fps, speed.p95_ms) == (written["fps"], written["p95_ms"])


def test_training_steps_are_timed_where_asked_for(
    tmp_path: Path, places: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["sweep=table13", "cell=atss_joint,paa", "stage=detect,train", "candidates=50", *SMALL, *places])
    cells = the_record(tmp_path)["cells"]
    assert list(cells["table13.paa"]["stages"]) == ["detect", "train"] == list(cells["table13.paa"]["warmup"])
    assert cells["table13.paa"]["stages"]["train"]["ratios"].keys() == {"table13.atss_joint"}
    shown = capsys.readouterr().out
    assert "training step" in shown and "steps/s" in shown
    (comparison,) = load_speed(tmp_path / "runs").comparisons
    assert comparison.ratio("table13.paa", "table13.atss_joint", "train") is not None


def test_a_timed_training_step_does_all_the_work_and_leaves_the_weights(places: list[str]) -> None:
    options = Options(stage=(Stage.train,), images=1, rounds=1, size=(64, 96), overrides=("scale=smoke", *places))
    configs = compose_cells(options, ["table11.gfocal"])
    (cell,) = build_cells(options, configs, find_weights(options, configs), torch.device("cpu")).values()
    assert cell.training is not None and len(cell.training) == 4
    learning = dict(cell.training.detector.named_parameters())
    before = {name: value.detach().clone() for name, value in learning.items()}
    assert cell.time(Stage.train, 5) > 0
    assert all(torch.equal(value, before[name]) for name, value in learning.items())
    wanted = [value for value in learning.values() if value.requires_grad]
    assert all(value.grad is not None and value.grad.isfinite().all() for value in wanted)
    assert cell.training.detector is not cell.detector and not cell.detector.training


def test_each_stage_holds_the_one_before_it() -> None:
    class Slow(StandIn):
        def forward(self, images: Tensor) -> HeadOutput:
            time.sleep(0.02)
            return super().forward(images)

        def predict(self, output: HeadOutput, batch: Batch) -> list[Detections]:
            time.sleep(0.04)
            return super().predict(output, batch)

    def load() -> Batch:
        time.sleep(0.08)
        return batch

    batch, slow = random_batch(0, images=1), Slow()
    timed = TimedDetector(slow, torch.device("cpu"), Precision.fp32, channels_last=True)  # type: ignore[arg-type]
    works = (partial(timed.model, batch), partial(timed.detect, batch), partial(timed.end_to_end, load))
    with torch.inference_mode():
        model, detect, end_to_end = (min(timed.milliseconds(work) for _ in range(3)) for work in works)
    assert 20 <= model < 60 <= detect < 140 <= end_to_end


def test_weights_are_those_of_a_finished_run_and_of_all_cells_or_of_none(tmp_path: Path, places: list[str]) -> None:
    small = ("scale=smoke", "data.val_images=2", "data.train_images=2", *places)
    options = Options(images=1, rounds=1, overrides=small)
    configs = compose_cells(options, ["table11.atss", "table11.gfocal"])
    path = leave_checkpoint(configs["table11.atss"], tmp_path / "runs")
    assert find_weights(options, configs) == dict.fromkeys(configs)
    with pytest.raises(SpeedError, match=r"table11\.gfocal left no checkpoint"):
        find_weights(replace(options, weights="trained"), configs)
    alone = {"table11.atss": configs["table11.atss"]}
    assert find_weights(options, alone) == {"table11.atss": path}
    assert find_weights(replace(options, weights="random"), alone) == {"table11.atss": None}
    (cell,) = build_cells(options, alone, {"table11.atss": path}, torch.device("cpu")).values()
    saved = torch.load(path, weights_only=True)["model"]
    assert all(torch.equal(value, saved[name]) for name, value in cell.detector.state_dict().items())


def leave_checkpoint(config: Config, runs: Path) -> Path:
    """A finished run of ``config``, seed 3."""
    folder = RunFolder(runs / run_name(config) / "seed3")
    folder.start(plain(config))
    detector, optimizer = build_detector(config, len(NAMES), seed=3), SGD([torch.zeros(1)])
    state = capture(detector, optimizer, run=run_id(config), step=1, seconds=1.0)
    save(folder.checkpoint, state)
    folder.finish(Result(None, run_id(config), 3, "smoke", "", plain(config)))
    return folder.checkpoint


def test_cells_are_named_within_their_table_and_the_baseline_comes_first() -> None:
    assert names("sweep=table11")[0] == "table11.atss"
    assert names("sweep=table11", "cell=gfocal,table11.qfl") == ["table11.gfocal", "table11.qfl"]
    assert names("sweep=table11", "cell=gfocal,atss") == ["table11.atss", "table11.gfocal"]
    assert names("sweep=table11", "cell=gfocal", "baseline=dfl") == ["table11.dfl", "table11.gfocal"]
    assert names("cell=table13.paa,table11.atss") == ["table13.paa", "table11.atss"]


def test_what_is_no_option_of_a_session_is_hydras() -> None:
    options = parse(["sweep=table11", "stage=detect", "size=800x1216", "candidates=null", "scale=paper", "seed=3"])
    assert (options.stage, options.size, options.candidates) == ((Stage.detect,), (800, 1216), None)
    assert options.overrides == ("scale=paper", "seed=3")


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "say what is to be timed"), (["sweep=table99"], "there is no sweep=table99; there are table02"),
    (["sweep=table11", "cell=paa"], "cell=paa is not in table11, which has table11.atss"),
    (["cell=nothing"], "cell=nothing is in no table"), (["sweep=table11", "rounds=0"], "rounds=0: .* at least 1"),
    (["sweep=table11", "stage=nms"], "stage=nms: a stage is model, detect, end_to_end"),
    (["sweep=table11", "size=800"], "size=800: give height and width"),
    (["sweep=table11", "compile=yes"], "compile=yes: this must be true or false"),
    (["sweep=table11", "weights=old"], "weights=old: this must be auto or trained or random"),
    (["sweep=table11", "scale=huge"], "huge"), (["sweep=table11", "quality.beta=x"], "beta"),
])  # fmt: skip
def test_a_mistake_ends_with_a_sentence(arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit, match=words):
        main(arguments)


def test_processes_that_a_session_started_are_no_others() -> None:
    before = own_seconds()
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert own_seconds() - before > 0.4
