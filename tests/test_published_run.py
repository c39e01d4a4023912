"""Through the command line, a published file and our own checkpoint of the same weights give the same numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gfl_bench.models.reference_names import to_reference

OPTIONS = (
    "scale=smoke", "guidance=none", "precision=fp32", "machine.speed_images=0",
    "detector.postprocess.score_threshold=0.001",
)  # fmt: skip


def run(folder: Path, *arguments: str) -> Path:
    """The folder of the one run that the command line makes in ``folder``."""
    before = set(folder.glob("runs/*/seed0"))
    command = [sys.executable, "-m", "gfl_bench.run", *OPTIONS, *arguments]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (path,) = set(folder.glob("runs/*/seed0")) - before
    return path


def as_published(checkpoint: Path, path: Path) -> None:
    weights: dict[str, Any] = torch.load(checkpoint, weights_only=True)["model"]
    state = {f"module.{name}": value for name, value in to_reference(weights, "gfl").items()}
    text = "img_norm_cfg = dict(\n    mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)"
    torch.save({"meta": {"config": text, "epoch": 12}, "state_dict": state}, path)


@pytest.mark.slow
def test_a_published_file_is_evaluated_as_our_own_checkpoint_of_the_same_weights(tmp_path: Path) -> None:
    trained = run(tmp_path, "scale.steps_per_epoch=8")
    as_published(trained / "checkpoint.pt", tmp_path / "gfl.pth")
    ours = run(tmp_path, "mode=evaluate", f"checkpoint={trained / 'checkpoint.pt'}")
    theirs = run(tmp_path, "mode=evaluate", "checkpoint=gfl.pth")
    metrics = [json.loads((path / "result.json").read_text())["metrics"] for path in (ours, theirs)]
    assert metrics[0] == metrics[1] and metrics[0]["AP"] > 0
    found = [(path / "detections.json.gz").read_bytes() for path in (trained, ours, theirs)]
    assert found[0] == found[1] == found[2]
