"""What is timed of our detectors: a training step and a detection, of random images with random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Precision
from gfl_bench.engine.device import autocast
from gfl_bench.models.build import build_detector
from gfl_bench.speed.candidates import lift_scores, threshold_passing
from gfl_bench.structures import Batch, Instances

CLASSES, OBJECTS = 80, 8


def build(overrides: Sequence[str], channels_last: bool) -> nn.Module:
    """The detector of a configuration at scale paper."""
    config = compose_config([*overrides, "scale=paper", "backbone.weights=null"])
    detector = build_detector(config, CLASSES, seed=0)
    return detector.to(memory_format=torch.channels_last) if channels_last else detector


def training_step(overrides: Sequence[str], bf16: bool, channels_last: bool) -> Callable[[], object]:
    """Forward, loss and backward of 2 images of 320 x 320."""
    detector: Any = build(overrides, channels_last).train()
    batch = random_batch(2, 320, 320, channels_last)

    def step() -> None:
        detector.zero_grad(set_to_none=True)
        with _autocast(bf16):
            output = detector(batch.images)
        sum(detector.loss(output, batch).values()).backward()

    return step


def detection(
    overrides: Sequence[str], bf16: bool, channels_last: bool, passing: int | None = None
) -> Callable[[], object]:
    """From an image of 800 x 1216 to its detections, post-processing included.

    ``passing`` class scores are above the threshold; if None, as many as NMS ever takes.
    """
    detector: Any = build(overrides, channels_last).eval()
    lift_scores(detector.head)
    batch = random_batch(1, 800, 1216, channels_last)

    @torch.inference_mode()
    def detect() -> object:
        with _autocast(bf16):
            output = detector(batch.images)
        return detector.predict(output, batch)

    if passing is not None:
        with torch.inference_mode(), _autocast(bf16):
            scores, _ = detector.ranking(detector(batch.images))
        detector.config.postprocess.score_threshold, _ = threshold_passing(scores, passing)
    return detect


def _autocast(bf16: bool) -> AbstractContextManager[None]:
    return autocast(torch.device("cpu"), Precision.bf16 if bf16 else Precision.fp32)


def random_batch(count: int, height: int, width: int, channels_last: bool) -> Batch:
    images = torch.rand(count, 3, height, width)
    corner = torch.rand(count * OBJECTS, 2) * torch.tensor([width, height]) * 0.7
    boxes = torch.cat([corner, corner + 8 + torch.rand(count * OBJECTS, 2) * min(height, width) * 0.25], dim=1)
    instances = Instances(
        boxes, torch.randint(CLASSES, (count * OBJECTS,)), torch.arange(count).repeat_interleave(OBJECTS),
        torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64),
    )  # fmt: skip
    sizes = torch.tensor([[height, width]] * count)
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    return Batch(images, instances, sizes, sizes, torch.ones(count, 2), list(range(count)))
