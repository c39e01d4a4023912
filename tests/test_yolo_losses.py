"""The losses of the small YOLOs against darknet's own, which loops over single numbers and knows gradients alone."""

from __future__ import annotations

from functools import cache

import darknet
import pytest
import torch
from detectors import CLASSES, random_batch
from test_every_detector import composed
from torch import Tensor
from torchvision.ops import complete_box_iou_loss

from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.yolo.ciou import ciou, ciou_ascent
from gfl_bench.models.iou import iou
from gfl_bench.structures import Batch, HeadOutput, Logits

SIDE = 160
RULES = {"yolov3_tiny": darknet.YOLOV3, "yolov4_tiny": darknet.YOLOV4}
both = pytest.mark.parametrize("name", list(RULES))


@cache
def made(name: str) -> Detector:
    return build_detector(composed(name, "quality=none box=dirac"), CLASSES, seed=0)


def a_batch() -> Batch:
    """Four square images, one without ground truth; no two ground truths share a cell and a shape."""
    batch = random_batch(1, [5, 0, 7, 1], SIDE, SIDE, side=150)
    batch.sizes[:], batch.padded_sizes[:] = SIDE, SIDE
    return batch


def random_output(detector: Detector, batch: Batch) -> HeadOutput:
    """Random numbers, and at some priors those that make a ground truth's box, so that they are ignored."""
    generator = torch.Generator().manual_seed(0)
    priors = detector.priors(batch)
    shape = len(batch.image_ids), len(priors)
    said = torch.randn(*shape, 5 + CLASSES, generator=generator)
    said[..., 5:] -= 2 * torch.rand(*shape, 1, generator=generator)
    for image, box in zip(batch.instances.image, batch.instances.boxes, strict=True):
        center, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        place = (center - priors.center) / priors.stride[:, None] + 0.5
        near = ((place > 0.05) & (place < 0.95)).all(dim=1).nonzero().squeeze(1)
        said[image, near, :2] = place[near].logit()
        said[image, near, 2:4] = (size / (priors.box[:, 2:] - priors.box[:, :2])[near]).log()
    return HeadOutput(Logits(said[..., 5:].clone()), said[..., :4, None].clone(), Logits(said[..., 4:5].clone()), None)


def as_box(corners: Tensor) -> darknet.Box:
    x1, y1, x2, y2 = corners.tolist()
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def plain(name: str, output: HeadOutput, batch: Batch, detector: Detector) -> Tensor:
    """[B, P, 5 + C], what darknet adds to each number."""
    assert output.aux is not None
    priors = detector.priors(batch)
    said = torch.cat([output.box.squeeze(-1), output.aux, output.cls], dim=-1).detach()
    truths = batch.instances
    every = []
    for number, image in enumerate(said):
        mine = (truths.image == number).nonzero().squeeze(1).tolist()
        known = [(as_box(truths.boxes[one] / SIDE), int(truths.labels[one])) for one in mine]
        levels = zip(image.split(priors.lengths), priors.level_sizes, strict=True)
        every.append(torch.cat([
            darknet.deltas(x.reshape(*size, 3, -1), level, known, SIDE, RULES[name]).flatten(0, 2)
            for level, (x, size) in enumerate(levels)
        ]))
    return torch.stack(every)


@both
def test_the_gradient_of_all_that_the_head_says_is_darknets_over_the_number_of_images(name: str) -> None:
    detector, batch = made(name), a_batch()
    output = random_output(detector, batch)
    parts = [output.box, output.aux, output.cls]
    for part in parts:
        assert part is not None
        part.requires_grad_()
    total = torch.stack(list(detector.loss(output, batch).values())).sum()
    gradients = torch.autograd.grad(total, [part for part in parts if part is not None])
    ours = -torch.cat([gradients[0].squeeze(-1), *gradients[1:]], dim=-1) * len(batch.image_ids)
    wanted = plain(name, output, batch, detector)
    assignment, _ = detector.match(output, batch)
    assert (assignment.gt_index == -2).sum() > 5 and (assignment.gt_index >= 0).sum() > 10
    torch.testing.assert_close(ours.double(), wanted, rtol=1e-3, atol=1e-4)


@both
def test_a_prior_that_finds_a_ground_truth_and_does_not_learn_it_is_ignored(name: str) -> None:
    detector, batch = made(name), a_batch()
    output = random_output(detector, batch)
    boxes = detector.box.decode(output.box, detector.priors(batch))
    truths, rules = batch.instances, RULES[name]
    for number, row in enumerate(detector.match(output, batch)[0].gt_index):
        best = iou(boxes[number][:, None], truths.boxes[truths.image == number]).amax(1) if number != 1 else row * 0.0
        sure = output.cls[number].sigmoid().amax(dim=1) > rules.ignore_class_score
        assert torch.equal(row == -2, (best > rules.ignore_iou) & sure & (row < 0))
    if name == "yolov4_tiny":
        assert not sure.all()


def boxes(count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    center, size = torch.rand(2, 2, count, 2, generator=generator, dtype=torch.float64)
    size = size * 0.6 + 0.05
    predicted, target = torch.cat([center - size / 2, center + size / 2], dim=2)
    return predicted, target


def test_complete_iou_is_the_published_one() -> None:
    predicted, target = boxes(200)
    ours = ciou(predicted, target)
    torch.testing.assert_close(1 - ours, complete_box_iou_loss(predicted, target), rtol=1e-4, atol=1e-4)


def test_the_ascent_is_dx_box_iou_also_of_boxes_that_do_not_touch() -> None:
    predicted, target = boxes(200)
    assert 20 < int((iou(predicted, target) == 0).sum()) < 180

    wanted = [darknet.ciou_gradient(as_box(p), as_box(t)) for p, t in zip(predicted, target, strict=True)]
    torch.testing.assert_close(ciou_ascent(predicted, target), torch.tensor(wanted, dtype=torch.float64))


def test_of_concentric_boxes_the_ascent_is_ious_gradient_with_that_of_the_size_doubled() -> None:
    """There darknet's other liberties vanish: one ratio, one centre."""
    half = torch.tensor([[0.2, 0.1], [0.1, 0.2], [0.3, 0.3]], dtype=torch.float64)
    predicted, target = torch.cat([-half, half], 1) * 0.5, torch.cat([-half, half], 1)
    predicted.requires_grad_()
    (slope,) = torch.autograd.grad(iou(predicted, target).sum(), predicted)
    by_size = (slope[:, 2:] - slope[:, :2]) / 2
    ascent = ciou_ascent(predicted.detach(), target)
    torch.testing.assert_close(ascent, torch.cat([torch.zeros_like(by_size), 2 * by_size], dim=1))


def test_a_box_that_is_not_finite_moves_nothing() -> None:
    detector, batch = made("yolov4_tiny"), a_batch()
    output = random_output(detector, batch)
    row = int(detector.match(output, batch)[1].row[0])
    output.box.flatten(0, 1)[row, 2] = 1e4
    output.box.requires_grad_()
    (slope,) = torch.autograd.grad(detector.loss(output, batch)["loss_box"], output.box)
    assert slope.isfinite().all() and slope.count_nonzero() > 0
