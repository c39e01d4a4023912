"""What one run does: data, detector, training, evaluation, timing."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from gfl_bench.config.identity import plain, run_id
from gfl_bench.config.paths import cache_folder, expand
from gfl_bench.config.schema import Config, Mode
from gfl_bench.data.coco import CocoDataset
from gfl_bench.data.loader import eval_batches, prepare, train_batches
from gfl_bench.data.transforms import evaluation_transform, training_transform
from gfl_bench.engine.device import choose_device, peak_memory
from gfl_bench.engine.distributed import World
from gfl_bench.engine.schedule import steps_per_epoch
from gfl_bench.engine.state import load_weights
from gfl_bench.engine.trainer import Trainer
from gfl_bench.evaluate import detections as detections_file
from gfl_bench.evaluate.chosen import evaluation_of
from gfl_bench.evaluate.displacement import DisplacementMeter
from gfl_bench.evaluate.evidence import Evidence
from gfl_bench.evaluate.inference import infer
from gfl_bench.evaluate.observer import Observer
from gfl_bench.evaluate.quality import correlation
from gfl_bench.models.build import build_detector, weightless
from gfl_bench.models.detector import Detector
from gfl_bench.results.provenance import provenance
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Result
from gfl_bench.speed import count_flops, count_parameters, time_inference

log = logging.getLogger(__name__)


class Experiment:
    """A run under way; ``result`` fills up as it goes."""

    def __init__(self, config: Config, folder: RunFolder, cell: str | None, command: str, world: World) -> None:
        if config.machine.threads is not None:
            torch.set_num_threads(config.machine.threads)
        self.config = config
        self.folder = folder
        self.world = world
        self.device = choose_device(config.machine.device, world)
        self.timings: dict[str, Any] = {}
        with self._timed("data"):
            needed = ("train", "val") if config.mode is Mode.train else ("val",)
            annotated = config.mode is not Mode.testdev
            self.splits = prepare(config.data, cache_folder(config.paths.cache), needed, annotated)
            self.validation = CocoDataset(self.splits["val"], evaluation_transform(config.data), training=False)
        self.detector: Detector = build_detector(
            _without_download(config), len(self.validation.category_ids), config.seed
        )
        self.result = Result(
            cell=cell, id=run_id(config), seed=config.seed, scale=config.scale.name, command=command,
            config=plain(config), timings=self.timings, parameters=count_parameters(self.detector),
            provenance=provenance() | {"processes": world.size},
        )  # fmt: skip

    def run(self) -> None:
        """Train or load the weights, then measure, or detect for others to measure; rank 0 alone has the numbers."""
        metrics: dict[str, float | None] = {}
        if self.config.mode is Mode.train:
            with self._timed("training"):
                metrics |= self._train()
        elif self.config.checkpoint is not None:
            load_weights(self.detector, expand(self.config.checkpoint), self.config)
        if self.config.mode is Mode.testdev:
            with self._timed("detection"):
                self._submit()
        elif self.config.mode is not Mode.speed:
            with self._timed("evaluation"):
                metrics |= self._evaluate()
        if self.world.is_main and self.config.mode is not Mode.testdev and self.config.machine.speed_images > 0:
            with self._timed("speed"):
                metrics |= self._time()
        self.result.metrics = metrics
        self.result.memory = peak_memory(self.device)

    def _train(self) -> dict[str, float | None]:
        schedule = self.config.schedule
        training = CocoDataset(self.splits["train"], training_transform(self.config.data), training=True)
        trainer = Trainer(
            self.detector, self.config,
            steps_per_epoch=steps_per_epoch(self.config.scale, len(training), schedule.batch_size),
            device=self.device, run=self.result.id, checkpoint=self.folder.checkpoint, record=self.folder.log,
            world=self.world, before_save=self.folder.check,
        )  # fmt: skip
        self.folder.step(trainer.step, trainer.steps)
        trainer.train(
            train_batches(
                training, batch_size=schedule.batch_size, seed=self.config.seed, start_step=trainer.step,
                steps=trainer.steps, workers=self.config.machine.workers, rank=self.world.rank, world=self.world.size,
            )
        )  # fmt: skip
        self.timings["steps"] = trainer.steps
        return {"training_hours": trainer.seconds / 3600}

    def _submit(self) -> None:
        found = self._detect()
        if not self.world.is_main:
            return
        self.folder.check()
        archive = detections_file.save_submission(self.folder.path, self.validation.split.annotations, found)
        log.info("%d detections of %d images, to be submitted: %s", len(found), len(self.validation), archive)

    def _evaluate(self) -> dict[str, float | None]:
        evidence, displacement = Evidence(self.validation), DisplacementMeter()
        found = self._detect(evidence, displacement)
        if not self.world.is_main:
            return {}
        self.folder.check()
        detections_file.save(self.folder.detections, found)
        evidence.save(self.folder.evidence)
        self.result.quality = correlation(evidence.pairs)
        self.result.displacement = displacement.to_dict() or None
        counted = {"PCC": self.result.quality["pearson"], "params_m": count_parameters(self.detector) / 1e6}
        evaluate = evaluation_of(self.config.data)
        return evaluate(self.validation.split.annotations, found) | counted

    def _detect(self, *observers: Observer) -> list[dict[str, Any]]:
        machine, world = self.config.machine, self.world
        batches = eval_batches(
            self.validation, batch_size=self.config.schedule.batch_size, workers=machine.workers, rank=world.rank,
            world=world.size,
        )  # fmt: skip
        return infer(
            self.detector, batches, device=self.device, precision=self.config.precision,
            category_ids=self.validation.category_ids, channels_last=machine.channels_last,
            total=len(self.validation), observers=observers, world=world,
        )  # fmt: skip

    def _time(self) -> dict[str, float | None]:
        machine = self.config.machine
        speed = time_inference(
            self.detector, eval_batches(self.validation, batch_size=1, workers=0), device=self.device,
            precision=self.config.precision, images=machine.speed_images, channels_last=machine.channels_last,
        )  # fmt: skip
        self.result.speed = speed.to_dict()
        height, width = speed.image_sizes[0]
        self.result.flops = count_flops(self.detector, torch.zeros(1, 3, height, width, device=self.device))
        return {"FPS": speed.fps}

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[phase] = round(time.perf_counter() - start, 3)


def _without_download(config: Config) -> Config:
    """``config``, but where a checkpoint will bring the weights, no backbone asks for published ones."""
    return config if config.mode is Mode.train or config.checkpoint is None else weightless(config)
