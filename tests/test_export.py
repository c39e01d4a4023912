"""``python -m gfl_bench.export`` writes files that say what PyTorch says, or none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from detectors import random_batch
from torch import Tensor
from trained_runs import SMALL, leave_run

from gfl_bench.config.compose import compose_config
from gfl_bench.engine.trained import Trained, load_trained
from gfl_bench.export import __main__ as export_main
from gfl_bench.export.__main__ import main
from gfl_bench.export.check import EXACT, HALF, Difference, compare
from gfl_bench.export.error import ExportError
from gfl_bench.export.evaluation import Evaluation, padded, said_by
from gfl_bench.export.formats import Exported, export
from gfl_bench.export.input_size import input_size
from gfl_bench.export.network import Network, output_of, said_of
from gfl_bench.export.passes import time_passes
from gfl_bench.predict import __main__ as predict_main

ATSS = ["quality=centerness_branch", "box=dirac"]


def network_of(*overrides: str) -> Network:
    return Network(load_trained([*SMALL, *overrides]).detector)


def exported(name: str, network: Network, folder: Path, size: tuple[int, int] = (64, 96)) -> Exported:
    images = torch.zeros(1, 3, *size)
    return export(name, network, images, folder / "network", list(network.said(images)), threads=1)


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [[], ATSS], ids=["gfl", "atss"])
def test_ncnn_says_what_pytorch_says_and_half_of_the_bytes_nearly_so(overrides: list[str], tmp_path: Path) -> None:
    pytest.importorskip("ncnn")
    pytest.importorskip("pnnx")
    network = network_of(*overrides)
    whole, half = (exported(name, network, tmp_path) for name in ("ncnn", "ncnn-fp16"))
    assert not compare(network, whole.runtime, (64, 96)).exceeds(EXACT)
    difference = compare(network, half.runtime, (64, 96))
    assert not difference.exceeds(HALF) and difference.box > EXACT.box
    assert half.size_mb == pytest.approx(whole.size_mb / 2, rel=0.02)


@pytest.mark.slow
def test_onnx_says_what_pytorch_says_also_of_the_guidance_that_ncnn_has_no_layer_for(tmp_path: Path) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime", "pnnx"):
        pytest.importorskip(package)
    network = network_of("guidance=distribution")
    assert not compare(network, exported("onnx", network, tmp_path).runtime, (64, 96)).exceeds(EXACT)
    with pytest.raises(ExportError, match=r"ncnn has no layer for .*torch\.topk"):
        exported("ncnn", network, tmp_path)


def test_file_that_says_something_else_is_refused_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pnnx")
    pytest.importorskip("ncnn")

    def altered(*given: Any) -> Exported:
        made = export(*given)
        return replace(made, runtime=lambda images: {**made.runtime(images), "box": 1 + made.runtime(images)["box"]})

    monkeypatch.setattr("gfl_bench.export.__main__.export", altered)
    with pytest.raises(SystemExit, match="the files are removed"):
        main(["--formats", "ncnn", *SMALL, "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_a_format_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--formats", "onnx,onxx", *SMALL])
    assert "'onxx' is none of ncnn, ncnn-fp16, onnx" in capsys.readouterr().err


def test_numbers_that_are_none_exceed_every_limit() -> None:
    assert Difference(float("nan"), 0).exceeds(HALF) and Difference(0, float("nan")).exceeds(HALF)
    assert not Difference(0, 0).exceeds(EXACT)


def test_manifest_tells_what_decoding_needs(tmp_path: Path) -> None:
    pytest.importorskip("pnnx")
    pytest.importorskip("ncnn")
    run = leave_run(tmp_path / "runs", "data.pixels=caffe", "box.n=7")
    main([f"checkpoint={run}", "--formats", "ncnn", "--out", str(tmp_path / "out")])
    told = json.loads((tmp_path / "out" / "atss-64x64.json").read_text())
    assert told["input"] == {
        "onnx": "image", "ncnn": "in0", "shape": [1, 3, 64, 64], "order": "BGR", "mean": [103.53, 116.28, 123.675],
        "std": [1, 1, 1],
    }  # fmt: skip
    priors = 8**2 + 4**2 + 2**2 + 1 + 1
    assert [(one["ncnn"], one["shape"]) for one in told["outputs"]] == [
        ("out0", [1, priors, 8]), ("out1", [1, priors, 32])
    ]  # fmt: skip
    assert (told["box"]["n"], told["box"]["numbers_a_side"], told["prior"]["strides"]) == (7, 8, [8, 16, 32, 64, 128])
    files = told["files"]["ncnn"]["files"]
    assert {name: (tmp_path / "out" / name).stat().st_size for name in files} == files
    assert told["weights"] == "checkpoint.pt" and told["classes"]["ellipse"] == 1


def test_boxes_of_a_runtime_are_those_of_the_detector_whose_decoding_it_borrows() -> None:
    trained = load_trained([*SMALL, *ATSS, "detector.postprocess.score_threshold=0"])
    network, batch = Network(trained.detector), random_batch(0, [0], height=64, width=64)
    twin = said_by(network.said, trained.detector)
    with torch.no_grad():
        (wanted,), (found,) = (one.predict(one(batch.images), batch) for one in (trained.detector, twin))
    assert len(wanted.scores) and torch.equal(wanted.boxes, found.boxes) and torch.equal(wanted.scores, found.scores)
    assert trained.detector.backbone is not twin.backbone, "the detector keeps its network"


@pytest.mark.slow
def test_ap_through_a_runtime_is_that_of_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("pnnx")
    pytest.importorskip("ncnn")
    trained = load_trained([*SMALL, "data.val_images=4", "data.train_images=2", f"paths.cache={tmp_path}"])
    evaluation, given = Evaluation(trained, (64, 64)), exported("ncnn", Network(trained.detector), tmp_path, (64, 64))
    seen: list[Tensor] = []

    def watched(images: Tensor) -> dict[str, Tensor]:
        seen.append(images)
        return given.runtime(images)

    assert evaluation.metrics(watched) == pytest.approx(evaluation.metrics(None), abs=0.05)
    assert len(seen) == 4


def test_images_are_padded_to_the_size_of_the_file_and_larger_ones_refused() -> None:
    batch = random_batch(0, [0], height=64, width=96)
    (wider,) = padded([batch], (96, 128))
    assert wider.images.shape == (1, 3, 96, 128) and torch.equal(wider.images[..., :64, :96], batch.images)
    assert not wider.images[..., 64:, :].any() and torch.equal(wider.sizes, batch.sizes)
    with pytest.raises(ExportError, match=r"64 x 96 pixels after resizing.*--size"):
        list(padded([batch], (64, 64)))


def test_parts_come_back_as_they_were_said() -> None:
    network = network_of(*ATSS)
    output = network.detector(torch.zeros(1, 3, 64, 64))
    back = output_of(said_of(output))
    assert torch.equal(back.box, output.box) and back.aux is not None and back.guide is None


def test_detectors_with_further_stages_are_refused() -> None:
    trained: Trained = load_trained([*SMALL, "detector=vfnet", "box=dirac"])
    with pytest.raises(ExportError, match="detector=vfnet cannot be exported"):
        Network(trained.detector)


def test_size_is_asked_for_where_images_have_several() -> None:
    assert input_size(compose_config(["scale=smoke", "data.size=161"]).data) == (192, 192)
    assert input_size(compose_config(["scale=paper", "data.resize=letterbox", "data.size=320"]).data) == (320, 320)
    with pytest.raises(ExportError, match="give --size"):
        input_size(compose_config(["scale=paper"]).data)


def test_a_process_that_times_a_network_tells_both_clocks(tmp_path: Path) -> None:
    pytest.importorskip("pnnx")
    pytest.importorskip("ncnn")
    param, weights = map(str, exported("ncnn", network_of(), tmp_path, (64, 64)).files)
    times = time_passes(param, weights, 64, 64, outputs=2, warmup=1, passes=3)
    assert {clock: len(found) for clock, found in times.items()} == {"processor": 3, "wall": 3}
    assert all(own <= 1.05 * wall + 0.1 for own, wall in zip(times["processor"], times["wall"], strict=True))


def test_overrides_may_stand_behind_options() -> None:
    words = ["cell=table15.nanodet_320", "--evaluate", "data.size=320", "--out", "there", "scale=paper"]
    assert export_main._parse(words).overrides == ["cell=table15.nanodet_320", "data.size=320", "scale=paper"]
    words = ["photo.jpg", "--threshold", "0.4", "checkpoint=there"]
    assert predict_main._parse(words).what == ["photo.jpg", "checkpoint=there"]
