"""A detector with weights from a file, whoever trained it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gfl_bench.config.compose import compose_config
from gfl_bench.config.paths import expand
from gfl_bench.config.schema import Config
from gfl_bench.config.stored import stored_config
from gfl_bench.data.classes import Classes, classes_of
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.engine.state import load_weights
from gfl_bench.models.build import build_detector, weightless
from gfl_bench.models.detector import Detector

KEY = "checkpoint="


@dataclass(frozen=True)
class Trained:
    """In evaluation mode, on the CPU.

    Attributes:
        checkpoint: the file of its weights; None where they are random.
    """

    config: Config
    detector: Detector
    classes: Classes
    checkpoint: Path | None


def load_trained(overrides: Sequence[str], class_names: Path | None = None) -> Trained:
    """The detector of ``overrides``, Hydra's, with the weights of ``checkpoint=``, or random ones without it.

    Args:
        overrides: ``checkpoint=`` may be the folder of a run, or the checkpoint in it, whose config it then has, the
            other overrides on top; for any other file they are the options that it was trained with.
        class_names: file with one name a line, where the data's annotations are not here and the classes not COCO's.

    Raises:
        ValueError: every mistake of a user, such as a checkpoint that is not there or of another detector.
    """
    given = [word.removeprefix(KEY) for word in overrides if word.startswith(KEY)]
    others = [word for word in overrides if not word.startswith(KEY)]
    checkpoint = _weights(expand(given[-1])) if given else None
    config = _config(checkpoint, others)
    classes = classes_of(config.data, class_names)
    detector = build_detector(config, len(classes.names), config.seed)
    if checkpoint is not None:
        load_weights(detector, checkpoint, config)
    detector.eval()
    return Trained(config, detector, classes, checkpoint)


def _weights(path: Path) -> Path:
    """The file of weights, of a run's folder the one in it."""
    if not path.is_dir():
        return path
    file = path / "checkpoint.pt"
    if file.is_file():
        return file
    seeds = sorted(one.parent.name for one in path.glob("seed*/checkpoint.pt"))
    advice = f"give one of {', '.join(seeds)} in it" if seeds else "give a run's folder, such as runs/<name>/seed0"
    raise CheckpointError(f"{path}: there is no checkpoint.pt in this folder: {advice}")


def _config(checkpoint: Path | None, overrides: list[str]) -> Config:
    stored = None if checkpoint is None else checkpoint.with_name("config.yaml")
    is_of_run = checkpoint is not None and checkpoint.suffix == ".pt" and stored is not None and stored.is_file()
    config = stored_config(stored, overrides) if is_of_run and stored else compose_config(overrides)
    return weightless(config)  # nothing to download, the checkpoint has them
