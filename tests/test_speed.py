"""A timing keeps its samples and says under which circumstances they were taken."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch
from standin import CLASSES, StandIn, batches_from, random_batch
from torch import Tensor, nn

from gfl_bench.config.schema import Precision
from gfl_bench.speed import SpeedError, SpeedRecord, count_flops, count_parameters, time_inference
from gfl_bench.speed.turns import WARMUP_WINDOW
from gfl_bench.structures import Batch, Detections, HeadOutput

CPU = torch.device("cpu")


def timing_of(detector: nn.Module, batches: list[Batch], images: int) -> SpeedRecord:
    return time_inference(detector, batches, device=CPU, precision=Precision.fp32, images=images)


class Watched(StandIn):
    """Remembers how it was called, and takes a known time after the network."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.calls: list[tuple[bool, bool, tuple[int, ...]]] = []

    def forward(self, images: Tensor) -> HeadOutput:
        self.calls.append((self.training, torch.is_inference_mode_enabled(), tuple(images.shape)))
        return super().forward(images)

    def predict(self, output: HeadOutput, batch: Batch) -> list[Detections]:
        time.sleep(self.seconds)
        return super().predict(output, batch)


def test_samples_are_kept_and_summarised() -> None:
    record = timing_of(StandIn(), list(batches_from(0, 5, images=1)), images=20)
    assert len(record.samples_ms) == 20
    assert record.median_ms == pytest.approx(np.median(record.samples_ms))
    assert record.fps == pytest.approx(1000 / record.median_ms)
    assert 0 < record.p5_ms <= record.median_ms <= record.p95_ms
    assert record.warmup >= 2 * WARMUP_WINDOW


def test_post_processing_is_inside_the_time() -> None:
    record = timing_of(Watched(seconds=0.004), [random_batch(0, images=1)], images=3)
    assert min(record.samples_ms) >= 4


def test_network_is_timed_in_evaluation_and_inference_mode_one_image_at_a_time() -> None:
    detector = Watched()
    timing_of(detector, list(batches_from(0, 2, images=1)), images=4)
    assert set(detector.calls) == {(False, True, (1, 3, 64, 64))}


def test_every_size_of_image_is_warmed_up_before_the_first_sample() -> None:
    detector = Watched()
    record = timing_of(detector, [random_batch(0, 1, side=64), random_batch(1, 1, side=96)], images=2)
    warmed = [shape[-1] for _, _, shape in detector.calls[: record.warmup + 2]]
    assert warmed == [64] * (record.warmup + 1) + [96]
    assert record.image_sizes == [(64, 64), (96, 96)]


def test_boxes_before_and_after_nms_are_counted() -> None:
    detector = StandIn()
    batches = list(batches_from(0, 3, images=1))
    record = timing_of(detector, batches, images=3)
    left = [len(detector.predict(detector(batch.images), batch)[0].scores) for batch in batches]
    assert record.candidates == 16  # every cell of the 4 x 4 map
    assert record.detections == pytest.approx(np.mean(left))


def test_detector_without_torchvisions_nms_has_no_count_of_candidates() -> None:
    class Plain(StandIn):
        def predict(self, output: HeadOutput, batch: Batch) -> list[Detections]:
            return [Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))]

    record = timing_of(Plain(), [random_batch(0, images=1)], images=1)
    assert (record.candidates, record.detections) == (None, 0)


def test_record_is_json_and_says_how_and_where_it_was_taken() -> None:
    record = timing_of(StandIn(), [random_batch(0, images=1)], images=2)
    told = json.loads(json.dumps(record.to_dict(), allow_nan=False))
    flags = told["protocol"]["flags"]
    assert (flags["precision"], flags["channels_last"], flags["threads"]) == ("fp32", True, torch.get_num_threads())
    assert told["hardware"]["cpu"] and told["hardware"]["gpu"] is None
    assert told["conditions"]["load"]["own_share"] > 0
    assert told["conditions"]["clocks"].keys() == {"before", "after"}


def test_protocols_differ_in_what_changes_a_time_and_in_nothing_else() -> None:
    batch = random_batch(0, images=1)
    once, longer = (timing_of(StandIn(seed), [batch], images).protocol["id"] for seed, images in ((0, 2), (1, 3)))
    bf16 = time_inference(StandIn(), [batch], device=CPU, precision=Precision.bf16, images=2).protocol["id"]
    larger = timing_of(StandIn(), [random_batch(0, 1, side=96)], images=2).protocol["id"]
    assert once == longer
    assert len({once, bf16, larger}) == 3


def test_nothing_to_time_and_several_images_at_once_are_refused() -> None:
    with pytest.raises(SpeedError, match="there is no image to time"):
        timing_of(StandIn(), [], images=3)
    with pytest.raises(SpeedError, match="one at a time"):
        timing_of(StandIn(), [random_batch(0, images=2)], images=3)


def test_flops_are_two_for_each_multiplication_of_the_convolutions() -> None:
    stem = 8 * 3 * 9 * 16 * 16  # 16 x 16 outputs of 3 x 3 kernels
    heads = (CLASSES + 4) * 8 * 16 * 4 * 4
    assert count_flops(StandIn(), torch.zeros(1, 3, 64, 64)) == 2 * (stem + heads)
    assert count_flops(StandIn(), torch.zeros(2, 3, 64, 64)) == 4 * (stem + heads)


def test_parameters_are_counted_frozen_or_not() -> None:
    detector = StandIn()
    for parameter in detector.cls.parameters():
        parameter.requires_grad_(False)
    assert count_parameters(detector) == (3 * 9 + 1) * 8 + 2 * 8 + (8 * 16 + 1) * (CLASSES + 4)
