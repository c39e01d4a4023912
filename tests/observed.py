"""What observers are given of small detectors, and the evidence that they make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from detectors import random_batch
from numpy.typing import NDArray

from analysis.evidence import load_evidence
from gfl_bench.evaluate.evidence import Evidence
from gfl_bench.evaluate.evidence.seen import Seen
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch

SIZE = 96, 64  # (width, height) of a batch's images


class Grey:
    """Images as grey as their ids, with as many ground truths as the id's last digit."""

    def __init__(self, width: int = SIZE[0], height: int = SIZE[1]) -> None:
        self.shape = (height, width, 3)

    def rgb(self, image_id: int) -> NDArray[np.uint8]:
        return np.full(self.shape, image_id, np.uint8)

    def truths(self, image_id: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        count = image_id % 10
        return np.full((count, 4), image_id, np.float32), np.arange(count)


def a_batch(seed: int) -> Batch:
    """Two images with five ground truths whose sides' sigma are known."""
    batch = random_batch(seed, [3, 2], SIZE[1], SIZE[0])
    batch.image_ids = [10 * seed + 1, 10 * seed + 2]
    batch.instances.sigma = torch.arange(20.0).reshape(5, 4) + seed
    return batch


@torch.inference_mode()
def seen(detector: Detector, batch: Batch, shift: float = 0.0) -> Seen:
    """A batch as an observer sees it, its classes' logits spread and shifted, so that some score high."""
    output = detector.eval()(batch.images)
    generator = torch.Generator().manual_seed(batch.image_ids[0])
    output.cls += torch.randn(output.cls.shape, generator=generator) * 3 + shift
    return Seen(detector, output, batch, detector.predict(output, batch))


@torch.inference_mode()
def observed(parts: list[Seen], images: Grey | None = None) -> Evidence:
    evidence = Evidence(images or Grey())
    for one in parts:
        evidence.see(one.detector, one.output, one.batch, list(one.found))
    return evidence


def saved(folder: Path, parts: list[Seen], images: Grey | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of the evidence, written to ``folder`` and read again."""
    observed(parts, images).save(folder / "evidence.npz")
    warnings: list[str] = []
    arrays = load_evidence(folder, warnings)
    assert arrays is not None and warnings == []
    return dict(arrays)
