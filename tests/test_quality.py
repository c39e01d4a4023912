"""What each quality representation trains, ranks by and reports."""

from __future__ import annotations

import pytest
import torch
from detectors import FITTING, QUALITIES, nano, random_batch
from torch.nn import functional

from gfl_bench.config.schema import ATSS, BoxWeight, CenternessBranch, IoUGuided, Joint, JointLoss, NoQuality
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.positives import Positives
from gfl_bench.models.quality import GuidedQuality, JointQuality
from gfl_bench.models.quality.real import real_iou
from gfl_bench.structures import Batch, HeadOutput

MATCHED = tuple[Detector, Batch, HeadOutput, Positives]


def matched(quality: str, box: str = "general_dfl", guidance: str = "none") -> MATCHED:
    config = nano(quality, box, guidance)
    detector = build_detector(config, 10, seed=1)
    batch = random_batch(0, [4, 3])
    with torch.no_grad():
        output = detector(batch.images)
        output.cls += torch.randn(output.cls.shape, generator=torch.Generator().manual_seed(2))
    _, positives = detector.match(output, batch)
    return detector, batch, output, positives


@pytest.mark.parametrize("name", QUALITIES)
def test_scores_are_probabilities_and_rank_by_class_score_times_factor(name: str) -> None:
    detector, _, output, _ = matched(name)
    scores, factor = detector.quality.score(output), detector.quality.factor(output)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (factor is not None) == name.endswith("branch")
    sigmoid = output.cls.sigmoid()
    torch.testing.assert_close(scores, sigmoid if output.aux is None else sigmoid * output.aux.sigmoid())


def test_guidance_is_multiplied_into_the_class_score() -> None:
    detector, _, output, _ = matched("joint", "general_dfl", "distribution")
    assert output.guide is not None
    torch.testing.assert_close(detector.quality.score(output), output.cls.sigmoid() * output.guide)


@pytest.mark.parametrize("name", ["none", "centerness_guided", "iou_guided", "joint"])
def test_predicted_quality_is_the_score_at_the_true_class(name: str) -> None:
    detector, _, output, positives = matched(name)
    scores = detector.quality.score(output).flatten(0, 1)[positives.row, positives.label]
    torch.testing.assert_close(detector.quality.predicted(output, positives), scores)


@pytest.mark.parametrize("name", ["centerness_branch", "iou_branch"])
def test_predicted_quality_is_the_branch_s_own(name: str) -> None:
    detector, _, output, positives = matched(name)
    assert output.aux is not None
    branch = output.aux.flatten()[positives.row].sigmoid()
    torch.testing.assert_close(detector.quality.predicted(output, positives), branch)


@pytest.mark.parametrize(("name", "target"), [("centerness_branch", "centerness"), ("iou_branch", "iou")])
def test_a_branch_learns_its_target_at_positives_alone(name: str, target: str) -> None:
    detector, _, output, positives = matched(name)
    assert output.aux is not None
    loss = functional.binary_cross_entropy_with_logits(
        output.aux.flatten()[positives.row], getattr(positives, target), reduction="sum"
    )
    weight = torch.full((output.cls.shape[:2].numel(),), 0.25)
    torch.testing.assert_close(detector.quality.losses(output, positives, weight)["loss_aux"], loss / 4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0, 2.0])
def test_guided_weights_follow_the_iou_and_leave_the_positives_total_unchanged(eta: float) -> None:
    _, _, output, positives = matched("none")
    before = torch.full((output.cls.shape[:2].numel(),), 0.25)
    weight = GuidedQuality(IoUGuided(eta=eta), ATSS(), real_iou).guided_weight(positives, before)
    assert weight.sum() == pytest.approx(before.sum().item(), rel=1e-5)
    theirs = weight[positives.row]
    torch.testing.assert_close(theirs / theirs.max(), (positives.iou / positives.iou.max()).pow(eta))


def test_guided_weights_of_positives_without_any_overlap_are_finite() -> None:
    _, _, output, positives = matched("none")
    positives.iou = torch.zeros_like(positives.iou)
    before = torch.ones(output.cls.shape[:2].numel())
    assert GuidedQuality(IoUGuided(), ATSS(), real_iou).guided_weight(positives, before).isfinite().all()


@pytest.mark.parametrize("weight", BoxWeight)
@pytest.mark.parametrize("guidance", ["none", "distribution"])
def test_box_weights_are_the_quantity_that_was_asked_for(weight: BoxWeight, guidance: str) -> None:
    _, _, output, positives = matched("joint", "general_dfl", guidance)
    quality = JointQuality(Joint(box_weight=weight), ATSS())
    wanted = {
        BoxWeight.uniform: torch.ones(len(positives.row)),
        BoxWeight.centerness: positives.centerness,
        BoxWeight.iou: positives.iou,
        BoxWeight.score: quality.score(output).flatten(0, 1)[positives.row].amax(dim=1),
    }[weight]
    found = quality.box_weight(output, positives)
    torch.testing.assert_close(found, wanted)
    assert not found.requires_grad


@pytest.mark.parametrize("loss", JointLoss)
@pytest.mark.parametrize("guidance", ["none", "distribution"])
def test_ignored_locations_count_in_no_class_loss(loss: JointLoss, guidance: str) -> None:
    _, _, output, positives = matched("joint", "general_dfl", guidance)
    quality = JointQuality(Joint(loss=loss), ATSS())
    learns = torch.ones(output.cls.shape[:2], dtype=torch.bool)
    learns[0, ::3] = False
    weight = learns.flatten().float()
    before = quality.losses(output, positives, weight)
    output.cls[~learns] += 3
    kept = ~torch.isin(positives.row, (~learns).flatten().nonzero())
    assert kept.any()
    torch.testing.assert_close(quality.losses(output, positives, weight), before)


def test_a_branch_and_its_absence_are_declared_where_the_head_can_see_them() -> None:
    assert {name for name, *_ in FITTING if build_detector(nano(name), 2, 0).head.aux is not None} == {
        "centerness_branch", "iou_branch",
    }  # fmt: skip


def test_default_weights_of_boxes_are_those_of_the_reference_detectors() -> None:
    assert (NoQuality().box_weight, CenternessBranch().box_weight, Joint().box_weight) == (
        BoxWeight.uniform, BoxWeight.centerness, BoxWeight.score,
    )  # fmt: skip
