"""One batch, and what several parts of the evidence read of it, worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from gfl_bench.models.assigners.assignment import Assignment
from gfl_bench.models.detector import Detector
from gfl_bench.models.positives import Positives
from gfl_bench.structures import Batch, Detections, HeadOutput


@dataclass
class Seen:
    """A batch of B images with P priors each."""

    detector: Detector
    output: HeadOutput
    batch: Batch
    found: Sequence[Detections]

    @cached_property
    def matched(self) -> tuple[Assignment, Positives]:
        """Which location learns which ground truth, as in training."""
        return self.detector.match(self.output, self.batch)

    @cached_property
    def gt_index(self) -> Tensor:
        """[K] int64, which of the batch's ground truths each positive has."""
        assignment, positives = self.matched
        return assignment.gt_index.flatten()[positives.row]

    @cached_property
    def quality(self) -> Tensor:
        """[B * P, C or 1], see ``Detector.quality_scores``."""
        return self.detector.quality_scores(self.output).flatten(0, 1)


class Part(Protocol):
    """A part of the evidence; ``look`` and ``take`` as an ``Observer``'s."""

    def look(self, seen: Seen) -> Any: ...

    def take(self, note: Any) -> None: ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """By their names in the file."""


def columns(tensors: dict[str, Tensor], dtypes: dict[str, torch.dtype]) -> dict[str, NDArray[Any]]:
    """``tensors`` on the CPU, each as the dtype of its name."""
    return {name: tensor.to(dtypes[name]).cpu().numpy() for name, tensor in tensors.items()}
