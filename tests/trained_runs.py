"""Folders of finished runs with a checkpoint, without a training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.optim import SGD

from gfl_bench.config.compose import compose_config
from gfl_bench.config.identity import plain, run_id, run_name
from gfl_bench.data.scenes.objects import NAMES
from gfl_bench.engine.checkpoint import save
from gfl_bench.engine.state import capture
from gfl_bench.models.build import build_detector
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Result

SMALL = ["scale=smoke", "guidance=none", "machine.device=cpu", "precision=fp32", "data.size=64"]


def leave_run(runs: Path, *overrides: str) -> Path:
    """The folder of a run of ``SMALL``, changed by ``overrides``, with the weights that a training begins with."""
    config = compose_config([*SMALL, *overrides])
    folder = RunFolder(runs / run_name(config) / "seed0")
    folder.start(plain(config))
    detector = build_detector(config, len(NAMES), seed=0)
    save(folder.checkpoint, capture(detector, SGD([torch.zeros(1)]), run=run_id(config), step=1, seconds=1.0))
    folder.finish(Result(None, run_id(config), 0, "smoke", "", plain(config)))
    return folder.path
