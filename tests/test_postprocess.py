"""Threshold, ranking and NMS."""

from __future__ import annotations

import pytest
import torch
from reference import golden
from torch import Tensor

from gfl_bench.config.schema import PostProcessConfig, Ranking
from gfl_bench.models.postprocess import Candidates, choose, class_wise_nms, suppress
from gfl_bench.structures import Probabilities


def stored() -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in golden("nms").items()}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.65])
def test_class_wise_nms_keeps_the_references_boxes_in_its_order(threshold: float) -> None:
    z = stored()
    kept = class_wise_nms(z["boxes"], z["scores"], z["labels"], threshold)
    assert torch.equal(kept, z[f"batched_keep_{threshold}"])


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.65])
def test_nms_of_one_class_is_the_references(threshold: float) -> None:
    z = stored()
    kept = class_wise_nms(z["boxes"], z["scores"], torch.zeros_like(z["labels"]), threshold)
    assert torch.equal(kept, z[f"nms_keep_{threshold}"])


def test_above_ten_thousand_boxes_the_classes_still_do_not_touch() -> None:
    z = stored()
    shift = torch.arange(30)[:, None, None] * torch.tensor([2000.0, 0, 2000.0, 0])
    many = (z["boxes"] + shift).reshape(-1, 4)
    assert len(many) > 10000
    kept = class_wise_nms(many, z["scores"].repeat(30), z["labels"].repeat(30), 0.5)
    assert abs(len(kept) - 30 * len(z["batched_keep_0.5"])) <= 30  # coordinates to 60,000 round IoU on the edge


def of_one(scores: Tensor, factor: Tensor | None, lengths: list[int], config: PostProcessConfig) -> Candidates:
    """Of an image's scores [P, C]."""
    found, counts = choose(
        Probabilities(scores[None]), None if factor is None else Probabilities(factor[None]), lengths, config
    )
    assert counts == [len(found.score)]
    return found


@pytest.mark.parametrize("count", [100, 1000, 5000])
def test_the_best_pairs_are_the_references(count: int) -> None:
    z = stored()
    found = of_one(
        Probabilities(z["topk_scores_in"]), None, [500], PostProcessConfig(score_threshold=0.05, candidates=count)
    )
    order = found.score.sort(descending=True, stable=True).indices
    assert torch.equal(found.score[order], z[f"topk{count}_scores"])
    assert set(zip(found.location.tolist(), found.label.tolist(), strict=True)) == set(
        zip(z[f"topk{count}_anchor_idx"].tolist(), z[f"topk{count}_labels"].tolist(), strict=True)
    )


def test_each_level_keeps_its_own_best() -> None:
    scores = Probabilities(torch.tensor([[0.9], [0.8], [0.7], [0.2], [0.3], [0.01]]))
    found = of_one(scores, None, [3, 3], PostProcessConfig(candidates=2))
    assert sorted(found.location.tolist()) == [0, 1, 3, 4]


def test_the_factor_comes_after_the_threshold() -> None:
    scores, factor = Probabilities(torch.tensor([[0.1], [0.04]])), Probabilities(torch.tensor([[0.1], [1.0]]))
    found = of_one(scores, factor, [2], PostProcessConfig())
    assert found.location.tolist() == [0]
    assert found.score.tolist() == pytest.approx([0.01])


def test_ranked_locations_keep_all_their_classes_and_are_ranked_by_the_final_score() -> None:
    scores = Probabilities(torch.tensor([[0.9, 0.1], [0.5, 0.4], [0.6, 0.0]]))
    factor = Probabilities(torch.tensor([[0.1], [1.0], [1.0]]))
    found = of_one(scores, factor, [3], PostProcessConfig(candidates=2, rank=Ranking.locations))
    pairs = set(zip(found.location.tolist(), found.label.tolist(), strict=True))
    assert pairs == {(1, 0), (1, 1), (2, 0)}


@pytest.mark.parametrize(("rank", "count"), [(Ranking.pairs, 1), (Ranking.locations, 2)])
def test_boxes_without_area_are_dropped_in_mmdetection_3_s_way_only(rank: Ranking, count: int) -> None:
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [5.0, 5.0, 5.0, 9.0]])
    candidates = Candidates(torch.arange(2), torch.zeros(2, dtype=torch.int64), torch.tensor([0.5, 0.9]))
    assert len(suppress(boxes, candidates, PostProcessConfig(rank=rank)).scores) == count


@pytest.mark.parametrize("rank", list(Ranking))
def test_no_score_above_the_threshold_gives_no_detection(rank: Ranking) -> None:
    config = PostProcessConfig(rank=rank)
    found = of_one(Probabilities(torch.full((6, 3), 0.01)), None, [4, 2], config)
    detections = suppress(torch.zeros(len(found.score), 4), found, config)
    assert (detections.boxes.shape, len(detections.scores), detections.labels.dtype) == ((0, 4), 0, torch.int64)


@pytest.mark.parametrize("rank", list(Ranking))
@pytest.mark.parametrize("wanted", [3, 40])
def test_what_is_chosen_of_a_batch_is_what_is_chosen_of_its_images(rank: Ranking, wanted: int) -> None:
    """Scores in steps of a tenth are often equal; few of the last image's pass."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 10, (3, 30, 4), generator=generator) / 10
    scores[2] /= 8
    factor = torch.rand(3, 30, 1, generator=generator)
    config = PostProcessConfig(score_threshold=0.05, candidates=wanted, rank=rank)
    found, counts = choose(Probabilities(scores), Probabilities(factor), [20, 10], config)
    for number, part in enumerate(found.split(counts)):
        alone = of_one(scores[number], factor[number], [20, 10], config)
        assert torch.equal(part.location - 30 * number, alone.location) and torch.equal(part.label, alone.label)
        assert torch.equal(part.score, alone.score) and len(alone.score) > 0


@pytest.mark.parametrize("wanted", [3, 40])
def test_of_equal_pairs_the_first_of_each_level_are_chosen(wanted: int) -> None:
    scores = torch.randint(0, 4, (30, 4), generator=torch.Generator().manual_seed(0)) / 4
    found = of_one(scores, None, [20, 10], PostProcessConfig(candidates=wanted))
    expected = []
    for first, level in ((0, scores[:20]), (20, scores[20:])):
        order = level.flatten().sort(descending=True, stable=True).indices[:wanted]
        expected += [4 * first + place for place in order.tolist() if level.flatten()[place] > 0]
    assert sorted((found.location * 4 + found.label).tolist()) == sorted(expected)
