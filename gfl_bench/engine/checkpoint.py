"""Checkpoint files: written whole or not at all, read without running any code that they hold."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gfl_bench.atomic import replacing

log = logging.getLogger(__name__)

FORMAT = 1  # of the dictionary below; a reader refuses what it does not know
KEYS = ("format", "run", "step", "seconds", "model", "optimizer", "random")
_FOREIGN = re.compile(r"Unsupported global: GLOBAL (\S+) was not an allowed")  # torch's words of an object's class


class CheckpointError(ValueError):
    """A checkpoint cannot be written, read or used here."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, strings and containers of them) in place of ``path``.

    Raises:
        CheckpointError: the folder cannot be written or the disk is full; the old file is still there.
    """
    try:
        with replacing(path) as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:
        cause = error.__context__ if isinstance(error, RuntimeError) else error  # torch's zip writer wraps a full disk
        reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(error).splitlines()[0]
        raise CheckpointError(
            f"{path}: the checkpoint could not be written ({reason}): free some space or choose another paths.runs; "
            "the same command continues"
        ) from error


def resume(path: Path, run: str) -> dict[str, Any] | None:
    """State to continue run ``run`` from; None where there is none, and the training begins.

    A file that cannot be read is kept beside it as ``<name>.damaged``, with a warning: a training that begins again
    ends with the same numbers, one that refuses its checkpoint for ever ends with none.

    Raises:
        CheckpointError: the file belongs to another run.
    """
    if not path.exists():
        return None
    try:
        state = checked(read(path), path)
    except CheckpointError as error:
        kept = path.with_name(f"{path.name}.damaged")
        log.warning("%s; it is kept as %s, and the training begins again", error, kept.name)
        path.replace(kept)
        return None
    _check_run(state, run, path)
    return state


def load(path: Path, run: str | None = None) -> dict[str, Any]:
    """State of a checkpoint, its tensors on the CPU.

    Args:
        path: the file, as ``save`` wrote it.
        run: id of the run that wants to continue; null where the weights alone matter.

    Raises:
        CheckpointError: there is no such file, it is cut short or something else, or it belongs to another run.
    """
    state = checked(read(path), path)
    if run is not None:
        _check_run(state, run, path)
    return state


def _check_run(state: dict[str, Any], run: str, path: Path) -> None:
    if state["run"] != run:
        raise CheckpointError(
            f"{path}: the checkpoint is of run {state['run']}, but this configuration is run {run}: "
            "remove the file to start afresh, or restore the configuration"
        )


def checked(state: dict[str, Any], path: Path) -> dict[str, Any]:
    """``state`` if it is what ``save`` wrote to ``path``.

    Raises:
        CheckpointError: it is something else.
    """
    if any(key not in state for key in KEYS) or state["format"] != FORMAT:
        raise CheckpointError(
            f"{path}: this is not a checkpoint of this version of gfl_bench (format {FORMAT}), nor one of "
            "mmdetection's or NanoDet's (a dictionary with the weights as state_dict): give one that it wrote"
        )
    return state


def read(path: Path) -> dict[str, Any]:
    """The dictionary in a file, whoever wrote it; empty where it holds something else. An .npz is a ``state_dict``.

    Raises:
        CheckpointError: there is no such file, it is cut short, or it holds what only running its code would read.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint: check the path")
    try:
        if path.suffix == ".npz":
            return {"state_dict": _arrays(path)}
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever lies in the file; unpickling arbitrary bytes fails in many ways
        foreign = _FOREIGN.search(str(error))
        if foreign:
            raise CheckpointError(_strip(path, foreign[1])) from error
        raise CheckpointError(
            f"{path}: the checkpoint cannot be read; it is cut short, damaged or of another program: "
            "remove it to start afresh, or copy it again"
        ) from error
    return state if isinstance(state, dict) else {}


def _arrays(path: Path) -> dict[str, torch.Tensor]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _strip(path: Path, kind: str) -> str:
    stripped = path.with_name(f"{path.stem}-weights{path.suffix}")
    return (
        f"{path}: the checkpoint cannot be read safely, since it holds more than tensors, numbers and text ({kind}): "
        "if you trust where it is from, take its weights and configuration out, in the environment that wrote it, by "
        f"python -c \"import torch; state = torch.load('{path}', map_location='cpu', weights_only=False); "
        "meta = state.get('meta') or {}; text = str(meta.get('cfg') or meta.get('config') or ''); "
        f"torch.save({{'state_dict': state['state_dict'], 'meta': {{'cfg': text}}}}, '{stripped}')\", "
        f"and give {stripped}"
    )
