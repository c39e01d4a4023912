"""What of a training must survive a stop, so that it continues as if there had been none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gfl_bench.config.schema import Config
from gfl_bench.engine.checkpoint import FORMAT, CheckpointError, checked, read
from gfl_bench.engine.darknet import SUFFIX, load_darknet
from gfl_bench.engine.published import as_published, load_published


def capture(detector: nn.Module, optimizer: Optimizer, *, run: str, step: int, seconds: float) -> dict[str, Any]:
    """State after ``step`` steps and ``seconds`` of run ``run``; the order of the data follows from seed and step."""
    return {
        "format": FORMAT,
        "run": run,
        "step": step,
        "seconds": seconds,
        "model": detector.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": {"cpu": torch.get_rng_state(), "cuda": _cuda_states()},
    }


def restore(state: dict[str, Any], detector: nn.Module, optimizer: Optimizer, path: Path) -> None:
    """Put back what ``capture`` took; ``path`` is the file to name where it does not fit.

    Raises:
        CheckpointError: the weights are those of another network.
    """
    _load_weights(detector, state["model"], path)
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"]["cpu"])
    if len(state["random"]["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["random"]["cuda"])


def load_weights(detector: nn.Module, path: Path, config: Config) -> None:
    """Give ``detector``, of ``config``, the weights of ``path``, a file of a run, of mmdetection or of darknet.

    Raises:
        CheckpointError: the file cannot be read, or its weights are those of another network.
    """
    if path.suffix == SUFFIX:
        load_darknet(detector, path, config)
        return
    state = read(path)
    published = as_published(state)
    if published is None:
        _load_weights(detector, checked(state, path)["model"], path)
    else:
        load_published(detector, published, config, path)


def _load_weights(detector: nn.Module, weights: dict[str, Any], path: Path) -> None:
    differing = _differing(detector.state_dict(), weights)
    if differing:
        raise CheckpointError(
            f"{path}: the weights do not fit this network, {len(differing)} differ, the first of them {differing[0]}: "
            "use the configuration that they were trained with"
        )
    detector.load_state_dict(weights)


def _differing(wanted: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """Names that only one of the two has, or whose shapes differ."""
    shared = [name for name in wanted if name in given]
    shapes = [name for name in shared if wanted[name].shape != given[name].shape]
    return sorted(wanted.keys() ^ given.keys()) + shapes


def _cuda_states() -> list[torch.Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
