"""BorderDet's second stage: what it learns where, and what becomes of the boxes and scores of the first."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from bordering import JOINT, PUBLISHED, Choices, bordered, built, trained
from detectors import CLASSES, random_batch
from torchvision.ops import box_iou, sigmoid_focal_loss

from gfl_bench.models.detectors.borderdet.detector import assign_by_boxes
from gfl_bench.models.priors import select
from gfl_bench.structures import Logits


def test_a_location_learns_the_ground_truth_that_its_box_overlaps_most() -> None:
    batch = random_batch(0, [6, 0, 3], 64, 64)
    instances, draw = batch.instances, torch.Generator().manual_seed(1)
    instances.boxes[:2] = torch.tensor([8.0, 8, 40, 40])  # of equals the first
    instances.boxes[2] = instances.boxes[0] + 3  # overlaps both, and is overlapped more by some
    priors = built(*PUBLISHED).priors(batch)
    near = instances.boxes[torch.randint(9, (3 * len(priors),), generator=draw)]
    boxes = (near + torch.randn(near.shape, generator=draw) * 4).view(3, -1, 4)
    boxes[0, 0], boxes[0, 1] = instances.boxes[1], torch.tensor([8, 8, 40, 24])  # IoU 1 and exactly 0.5
    found = assign_by_boxes(boxes, priors, instances, 0.5).gt_index
    overlap = box_iou(boxes.flatten(0, 1), instances.boxes).view(3, -1, 9)
    for image in range(3):
        overlap[image, :, instances.image != image] = 0
    best, first = overlap.max(dim=2)
    assert torch.equal(found, first.where(best >= 0.5, -1))
    assert (found == 2).any() and found[0, :2].tolist() == [0, 0] and (found[1] == -1).all()


def test_border_losses_are_focal_loss_and_l1_over_the_border_stage_s_own_positives() -> None:
    batch = random_batch(0, [3, 2])
    detector, output = trained(PUBLISHED, batch)
    first, gt = bordered(detector, output, batch)
    row, target = (gt >= 0).nonzero().squeeze(1), torch.zeros(len(gt), CLASSES)
    target[row, batch.instances.labels[gt[row]]] = 1
    focal = sigmoid_focal_loss(output.border_cls.flatten(0, 1), target, 0.25, 2, "sum")
    size = (first[:, 2:] - first[:, :2]).repeat(1, 2)
    wanted = (batch.instances.boxes[gt[row]] - first[row]) / (0.5 * size[row])
    l1 = (output.border_box.flatten(0, 1)[row] - wanted).abs().sum()
    losses = detector.loss(output, batch)
    assert len(row) > 5
    torch.testing.assert_close(losses["loss_border_cls"], focal / len(row))
    torch.testing.assert_close(losses["loss_border_box"], l1 / len(row))
    doubled = detector.loss(output, batch, reduce=lambda normalisers: normalisers * 2)
    torch.testing.assert_close(doubled["loss_border_box"], l1 / len(row) / 2)


def test_the_right_offsets_give_the_ground_truth_and_no_loss() -> None:
    batch = random_batch(0, [3, 2])
    detector, output = trained(PUBLISHED, batch)
    first, gt = bordered(detector, output, batch)
    row = (gt >= 0).nonzero().squeeze(1)
    truth, size = batch.instances.boxes[gt[row]], (first[:, 2:] - first[:, :2]).repeat(1, 2)[row]
    output.border_box.flatten(0, 1)[row] = (truth - first[row]) / (0.5 * size)
    priors = detector.priors(batch)
    final = detector.decode(output, row, select(priors, row % len(priors)))
    torch.testing.assert_close(final, truth)
    torch.testing.assert_close(detector.loss(output, batch)["loss_border_box"], torch.tensor(0.0), atol=1e-4, rtol=0)


def test_the_joint_border_score_learns_the_iou_of_the_final_box() -> None:
    batch = random_batch(0, [3, 2])
    detector, output = trained(JOINT, batch)
    _, positives = detector.match(output, batch)
    _, gt = bordered(detector, output, batch)
    rows = positives.row[gt[positives.row] >= 0]
    chosen = gt[rows]
    final = detector.decode(output, positives.row, positives.priors)[gt[positives.row] >= 0]
    overlap = box_iou(final, batch.instances.boxes[chosen]).diagonal()
    logits = torch.full_like(output.border_cls, -30.0).flatten(0, 1)
    others = gt.clone()
    others[rows] = -1
    assert len(rows) > 5 and (others < 0).all() and 0.6 < overlap.mean() < 0.99
    logits[rows, batch.instances.labels[chosen]] = overlap.logit()
    learnt = replace(output, border_cls=Logits(logits.view_as(output.border_cls)))
    assert detector.loss(learnt, batch)["loss_border_cls"] < 1e-5 < detector.loss(output, batch)["loss_border_cls"]


@pytest.mark.parametrize("choices", [PUBLISHED, JOINT], ids="-".join)
def test_the_final_score_is_the_mean_of_both_stages_where_the_first_passes(choices: Choices) -> None:
    batch = random_batch(0, [3, 2])
    detector, output = trained(choices, batch)
    first = output.cls.sigmoid() if output.aux is None else (output.cls.sigmoid() * output.aux.sigmoid()).sqrt()
    scores, factor = detector.ranking(output)
    assert factor is None and 0 < (scores > 0).float().mean() < 1
    torch.testing.assert_close(scores, (first * output.border_cls.sigmoid()).sqrt().where(first > 0.05, 0))
