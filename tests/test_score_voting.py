"""Score voting against a loop over detections and candidates."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from gfl_bench.config.schema import PostProcessConfig
from gfl_bench.models.detectors.paa.score_voting import vote
from gfl_bench.models.postprocess import Candidates, suppress
from gfl_bench.structures import Detections


def crowd(seed: int, count: int, classes: int) -> tuple[Tensor, Candidates]:
    """Boxes of ``count`` candidates around a few places."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.rand(6, 2, generator=generator) * 100
    corner = places[torch.randint(6, (count,), generator=generator)] + torch.randn(count, 2, generator=generator) * 4
    size = torch.rand(count, 2, generator=generator) * 10 + 20
    label = torch.randint(classes, (count,), generator=generator)
    score = torch.rand(count, generator=generator)
    return torch.cat([corner, corner + size], dim=1), Candidates(torch.arange(count), label, score)


def plain_vote(box: Tensor, label: int, boxes: Tensor, candidates: Candidates) -> list[float]:
    overlap = box_iou(box[None], boxes)[0].tolist()
    total, sums = 0.0, [0.0] * 4
    for number, (theirs, score) in enumerate(zip(candidates.label.tolist(), candidates.score.tolist(), strict=True)):
        if theirs == label and overlap[number] > 0.01:
            weight = score * math.exp(-((1 - overlap[number]) ** 2) / 0.025)
            total += weight
            sums = [one + weight * side for one, side in zip(sums, boxes[number].tolist(), strict=True)]
    return [one / total for one in sums]


@pytest.mark.parametrize("classes", [1, 7])
def test_each_detection_is_the_weighted_mean_of_its_classs_candidates(classes: int) -> None:
    boxes, candidates = crowd(0, 200, classes)
    detections = suppress(boxes, candidates, PostProcessConfig())
    voted = vote(detections, boxes, candidates)
    assert torch.equal(voted.scores, detections.scores) and torch.equal(voted.labels, detections.labels)
    wanted = [plain_vote(box, int(label), boxes, candidates)
              for box, label in zip(detections.boxes, detections.labels, strict=True)]  # fmt: skip
    torch.testing.assert_close(voted.boxes, torch.tensor(wanted), rtol=1e-5, atol=1e-4)
    assert (voted.boxes - detections.boxes).abs().max() > 0.5


def test_a_lone_detection_stays_where_it_is() -> None:
    boxes = torch.tensor([[10.0, 10, 40, 50], [60, 60, 90, 90]])
    candidates = Candidates(torch.tensor([0, 1]), torch.tensor([3, 3]), torch.tensor([0.9, 0.8]))
    voted = vote(Detections(boxes, candidates.score, candidates.label), boxes, candidates)
    torch.testing.assert_close(voted.boxes, boxes)


def test_another_classs_candidates_have_no_vote() -> None:
    boxes = torch.tensor([[10.0, 10, 40, 50], [12, 10, 42, 50]])
    candidates = Candidates(torch.tensor([0, 1]), torch.tensor([3, 4]), torch.tensor([0.9, 0.8]))
    voted = vote(Detections(boxes, candidates.score, candidates.label), boxes, candidates)
    torch.testing.assert_close(voted.boxes, boxes)


def test_a_box_without_area_stays_finite() -> None:
    boxes = torch.tensor([[10.0, 10, 10, 10], [0, 0, 30, 30]])
    candidates = Candidates(torch.tensor([0, 1]), torch.tensor([0, 0]), torch.tensor([0.9, 0.8]))
    voted = vote(Detections(boxes, candidates.score, candidates.label), boxes, candidates)
    torch.testing.assert_close(voted.boxes, boxes)


def test_nothing_detected_is_nothing_voted_on() -> None:
    empty = torch.zeros(0, dtype=torch.int64)
    found = vote(Detections(torch.zeros(0, 4), torch.zeros(0), empty), torch.zeros(0, 4),
                 Candidates(empty, empty, torch.zeros(0)))  # fmt: skip
    assert found.boxes.shape == (0, 4)
