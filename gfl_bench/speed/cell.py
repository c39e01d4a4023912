"""A cell ready to be timed: its detector, its images, and for each image the threshold that lets the stated number of
scores pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from gfl_bench.config.identity import run_id, run_name
from gfl_bench.config.paths import expand
from gfl_bench.config.schema import Config
from gfl_bench.engine.state import load_weights
from gfl_bench.models.build import build_detector, weightless
from gfl_bench.models.detector import Detector
from gfl_bench.results.reading import Unreadable
from gfl_bench.results.record import RunFolder
from gfl_bench.speed.candidates import count_boxes, lift_scores, threshold_passing
from gfl_bench.speed.images import TimedImages
from gfl_bench.speed.sizes import count_parameters
from gfl_bench.speed.stages import Stage, TimedDetector
from gfl_bench.speed.training import TimedTraining
from gfl_bench.speed.turns import warm_up
from gfl_bench.structures import Batch


@dataclass(frozen=True)
class PostProcessing:
    """What post-processing had to do, means over the images."""

    passing: float  # scores above the threshold
    candidates: float | None  # boxes that NMS got; null where torchvision's was not called
    detections: float


class TimedCell:
    """``config``'s detector, its weights from ``checkpoint`` or random.

    Args:
        batches: of its training, on ``device``; where there are any, a second detector takes steps on them.
    """

    def __init__(
        self, config: Config, checkpoint: Path | None, images: TimedImages, batches: Sequence[Batch],
        device: torch.device,
    ) -> None:  # fmt: skip
        self.id = run_id(config)
        self.images = images
        self.checkpoint = checkpoint
        build = partial(_build, config, checkpoint, len(images.dataset.category_ids))
        self.training = TimedTraining(build(), config, batches, device) if batches else None
        self.detector = build()
        if checkpoint is None:
            lift_scores(self.detector.head)
        self.parameters = count_parameters(self.detector)
        self.timed = TimedDetector(self.detector, device, config.precision, config.machine.channels_last)
        self._thresholds = [config.detector.postprocess.score_threshold] * len(images)

    def compile(self) -> None:
        """By ``torch.compile``."""
        self.detector.compile()
        if self.training is not None:
            self.training.detector.compile()

    @torch.inference_mode()
    def let_pass(self, wanted: int | None) -> PostProcessing:
        """Let ``wanted`` scores of each image pass from now on, or with None those above the configured threshold."""
        counts = [self._let_pass(number, wanted) for number in range(len(self.images))]
        given, left = count_boxes(partial(self._detect, number) for number in range(len(self.images)))
        return PostProcessing(sum(counts) / len(counts), given, left)

    def warm_up(self, stage: Stage) -> int:
        """Until the time of the first image has settled; every other image once. Returns the first image's passes.

        Of training steps likewise with batches.
        """
        passes = warm_up(lambda: self.time(stage, 0))
        shared_out = self.training if stage is Stage.train else self.images
        assert shared_out is not None
        for number in range(1, len(shared_out)):
            self.time(stage, number)
        return passes

    def time(self, stage: Stage, number: int) -> float:
        """Milliseconds of round ``number``, which the images, or the batches, share out."""
        if stage is Stage.train:
            assert self.training is not None
            return self.timed.milliseconds(partial(self.training.step, number))
        image = number % len(self.images)
        self._use_threshold(image)
        with torch.inference_mode():
            return self.timed.milliseconds(self._work(stage, image))

    def _work(self, stage: Stage, image: int) -> Callable[[], object]:
        if stage is Stage.end_to_end:
            return partial(self.timed.end_to_end, partial(self.images.load, image))
        work: Callable[[Any], object] = self.timed.model if stage is Stage.model else self.timed.detect
        return partial(work, self.images.on_device[image])

    def _detect(self, image: int) -> list[Any]:
        self._use_threshold(image)
        return self.timed.detect(self.images.on_device[image])

    def _let_pass(self, image: int, wanted: int | None) -> int:
        scores, _ = self.detector.ranking(self.timed.model(self.images.on_device[image]))
        if wanted is None:
            return int((scores > self._thresholds[image]).sum())
        self._thresholds[image], count = threshold_passing(scores, wanted)
        return count

    def _use_threshold(self, image: int) -> None:
        self.detector.config.postprocess.score_threshold = self._thresholds[image]


def find_checkpoint(config: Config) -> Path | None:
    """The weights that a finished run of ``config`` left in ``paths.runs``, those of the lowest seed."""
    folder = expand(config.paths.runs) / run_name(config)
    for path in sorted(folder.glob("seed*")):
        run = RunFolder(path)
        result = run.result()
        if not isinstance(result, Unreadable) and result["state"] == "done" and run.checkpoint.is_file():
            return run.checkpoint
    return None


def _build(config: Config, checkpoint: Path | None, classes: int) -> Detector:
    detector = build_detector(weightless(config), classes, config.seed)  # what it weighs does not change the time
    if checkpoint is not None:
        load_weights(detector, checkpoint, config)
    return detector
