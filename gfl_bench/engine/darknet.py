"""darknet's .weights files: three int32 of a version, the images seen, then float32 numbers; all little-endian."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gfl_bench.config.schema import YOLO, Config, Dirac, NoQuality
from gfl_bench.engine.checkpoint import CheckpointError
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.yolo.file_order import count, fill

SUFFIX = ".weights"
_BYTES = 4  # of a number
_VERSION = 3 * _BYTES
_WIDE_FROM = 2  # ten times major plus minor, from which the images seen take 8 bytes


def load_darknet(detector: nn.Module, path: Path, config: Config) -> None:
    """Give ``detector``, of ``config``, the weights of the .weights file ``path``.

    Raises:
        CheckpointError: there is no such file, the detector is none of darknet's, or the file has another size.
    """
    published = isinstance(config.quality, NoQuality) and isinstance(config.box, Dirac)
    if not (published and isinstance(config.detector, YOLO) and isinstance(detector, Detector)):
        raise CheckpointError(
            f"{path}: a .weights file is of darknet's detectors: set detector=yolov3_tiny or yolov4_tiny with "
            "quality=none box=dirac guidance=none"
        )
    fill(detector, torch.from_numpy(_numbers(path, detector, config)))


def _numbers(path: Path, detector: Detector, config: Config) -> NDArray[np.float32]:
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint: check the path")
    content = path.read_bytes()
    header = _VERSION + (8 if _version(content) >= _WIDE_FROM else 4)
    wanted = header + _BYTES * count(detector)
    if len(content) != wanted:
        raise CheckpointError(
            f"{path}: the file has {len(content)} bytes, but one for detector={config.detector.name} has {wanted}"
            f"{_other_classes(detector, (len(content) - wanted) / _BYTES)}"
        )
    return np.frombuffer(content, "<f4", offset=header).astype(np.float32)


def _version(content: bytes) -> int:
    """10 * major + minor; those of a file that is cut short are 0."""
    major, minor = np.frombuffer(content[: 2 * _BYTES].ljust(2 * _BYTES, b"\0"), "<i4").tolist()
    return int(10 * major + minor)


def _other_classes(detector: Any, surplus: float) -> str:
    """What to do about ``surplus`` numbers."""
    ends = [level.cls for level in detector.head.levels]
    anchors = detector.head.levels[0].aux.out_channels
    each = sum(anchors * (conv.in_channels + 1) for conv in ends)  # numbers that a class takes
    ours = ends[0].out_channels // anchors
    theirs = ours + surplus / each
    if theirs == int(theirs) and theirs > 0:
        return f", for the {ours} classes of the data; its own are {int(theirs)}: choose the data it was trained on"
    return ": choose the other detector and its backbone, widths as published, or copy the file again"
