"""Small BorderDets for tests, and outputs like those of trained ones."""

from __future__ import annotations

from functools import lru_cache

import torch
from detectors import CLASSES
from torch import Tensor

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.models.build import build_detector
from gfl_bench.models.coding import distances_to_sides
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.borderdet.detector import BorderOutput, assign_by_boxes
from gfl_bench.structures import Batch

Choices = tuple[str, str, str]  # of quality, box and guidance
PUBLISHED: Choices = ("centerness_branch", "dirac", "none")
JOINT: Choices = ("joint", "dirac", "none")


@lru_cache
def composed(quality: str, box: str, guidance: str, detector: str = "borderdet") -> Config:
    choices = [f"detector={detector}", f"quality={quality}", f"box={box}", f"guidance={guidance}"]
    return compose_config([*choices, "scale=smoke"])


def built(*choices: str) -> Detector:
    return build_detector(composed(*choices), CLASSES, seed=0).train()


def trained(choices: Choices, batch: Batch) -> tuple[Detector, BorderOutput]:
    """A detector, and an output like a trained one's: its scores differ, positives' boxes are a twentieth off."""
    detector, draw = built(*choices).eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        output = detector(batch.images)
    for part, spread in ((output.cls, 3.0), (output.border_cls, 3.0), (output.border_box, 0.1)):
        part += torch.randn(part.shape[1:], generator=draw) * spread
    _, positives = detector.match(output, batch)
    sides = distances_to_sides(positives.priors.center, positives.target) / positives.priors.stride[:, None]
    output.box.flatten(0, 1)[positives.row] = (sides * (1 + torch.randn(sides.shape, generator=draw) / 20))[..., None]
    return detector, output


def bordered(detector: Detector, output: BorderOutput, batch: Batch) -> tuple[Tensor, Tensor]:
    """First boxes [B * P, 4], and the ground truth [B * P] that each overlaps by 0.6, or -1."""
    priors = detector.priors(batch)
    first = detector.box.decode(output.box, priors)
    return first.flatten(0, 1), assign_by_boxes(first, priors, batch.instances, 0.6).gt_index.flatten()
