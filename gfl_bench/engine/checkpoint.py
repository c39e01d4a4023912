"""Checkpoint files: written whole or not at all, read without running any code that they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from gfl_bench.atomic import replacing

FORMAT = 1  # of the dictionary below; a reader refuses what it does not know
KEYS = ("format", "run", "step", "seconds", "model", "optimizer", "random")


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
    except (OSError, RuntimeError) as error:  # torch's zip writer turns a full disk into a RuntimeError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise CheckpointError(
            f"{path}: the checkpoint could not be written ({reason}): free some space or choose another paths.runs"
        ) from error


def load(path: Path, run: str | None = None) -> dict[str, Any]:
    """State of a checkpoint, its tensors on the CPU.

    Args:
        path: the file, as ``save`` wrote it.
        run: id of the run that wants to continue; null where the weights alone matter.

    Raises:
        CheckpointError: there is no such file, it is cut short or something else, or it belongs to another run.
    """
    state = _read(path)
    missing = [key for key in KEYS if key not in state]
    if missing or state["format"] != FORMAT:
        raise CheckpointError(
            f"{path}: this is not a checkpoint of this version of gfl_bench (format {FORMAT}): give one that it wrote"
        )
    if run is not None and state["run"] != run:
        raise CheckpointError(
            f"{path}: the checkpoint is of run {state['run']}, but this configuration is run {run}: "
            "remove the file to start afresh, or restore the configuration"
        )
    return state


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint: check the path")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever lies in the file; unpickling arbitrary bytes fails in many ways
        raise CheckpointError(
            f"{path}: the checkpoint cannot be read; it is cut short, damaged or of another program: "
            "remove it to start afresh, or copy it again"
        ) from error
    return state if isinstance(state, dict) else {}
