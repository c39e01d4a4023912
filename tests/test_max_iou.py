"""Assignment by IoU against mmdetection's RetinaNet and SSD, and against a plain loop over ground truths."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from assigning import assert_images_are_independent, crowded, only, stored
from reference import golden
from torch import Tensor

from gfl_bench.config.schema import MaxIoUAssigner
from gfl_bench.models.assigners import claims
from gfl_bench.models.assigners.assignment import IGNORED, NEGATIVE
from gfl_bench.models.assigners.max_iou import MaxIoU
from gfl_bench.models.coding import deltas_from_boxes
from gfl_bench.models.iou import coverage, iou
from gfl_bench.structures import Instances, Priors

RETINANET, SSD = MaxIoUAssigner(), MaxIoUAssigner(negative_iou=0.5, all_best=False)
CONFIGS = {
    "retinanet": RETINANET, "ssd": SSD, "paa": MaxIoUAssigner(positive_iou=0.1, negative_iou=0.1),
    "ignoring": MaxIoUAssigner(ignore_iof=0.5), "picky": MaxIoUAssigner(lowest_iou=0.45, all_best=False),
}  # fmt: skip


def anchors(kind: str, strides: list[int], height: int, width: int, offset: float) -> Priors:
    """Every cell's copy of the stored base anchors of its level, from their corner and ``offset`` strides on."""
    center, stride, box, level, sizes = [], [], [], [], []
    for number, step in enumerate(strides):
        base = torch.from_numpy(golden("base_anchors")[f"{kind}/{number}"])
        sizes.append((-(-height // step), -(-width // step)))
        y, x = torch.meshgrid(*(torch.arange(size) for size in sizes[-1]), indexing="ij")
        corner = torch.stack([x, y], dim=2).reshape(-1, 1, 2).repeat_interleave(len(base), dim=0).squeeze(1) * step
        box.append(base.repeat(len(corner) // len(base), 1) + corner.repeat(1, 2))
        center.append(corner + offset * step)
        stride.append(torch.full((len(corner),), float(step)))
        level.append(torch.full((len(corner),), number))
    lengths = [len(boxes) for boxes in box]
    return Priors(torch.cat(center), torch.cat(stride), torch.cat(box), torch.cat(level), sizes, lengths)


def retina_anchors(height: int, width: int) -> Priors:
    return anchors("retina", [8, 16, 32, 64, 128], height, width, 0.0)


def check(priors: Priors, config: MaxIoUAssigner, z: dict[str, Tensor], std: list[float]) -> None:
    """mmdetection's numbers: 0 negative, -1 ignored, k the k-th ground truth from 1."""
    boxes = z["gt_bboxes"]
    gt = MaxIoU(config).assign(priors, only(boxes), z["pad_shape"][None]).gt_index[0]
    assert torch.equal(torch.where(gt == IGNORED, -1, gt + 1), z["gt_inds"].long())
    targets = deltas_from_boxes(priors.box[gt >= 0], boxes[gt[gt >= 0]], std)
    torch.testing.assert_close(targets, z["pos_bbox_targets"].reshape(-1, 4), rtol=0, atol=1e-4)


@pytest.mark.parametrize("image", ["small8", "mid20", "empty", "ignore"])
def test_retinanets_targets_are_the_references_on_every_prior(image: str) -> None:
    z = stored("retinanet_targets", image)
    check(retina_anchors(*z["pad_shape"].tolist()), RETINANET, z, [1, 1, 1, 1])


@pytest.mark.parametrize("image", ["ssd8", "ssd30", "ssd0"])
def test_ssds_targets_are_the_references_on_every_prior(image: str) -> None:
    z = stored("ssd_targets", image) | {"pad_shape": torch.tensor([512, 512])}
    check(anchors("ssd512", [8, 16, 32, 64, 128, 256, 512], 512, 512, 0.5), SSD, z, [0.1, 0.1, 0.2, 0.2])


def plain(priors: Priors, instances: Instances, padded_sizes: Tensor, config: MaxIoUAssigner) -> Tensor:
    """One image after the other, all priors against all its ground truths."""
    result = torch.full((len(padded_sizes), len(priors)), IGNORED)
    for number, (row, size) in enumerate(zip(result, padded_sizes, strict=True)):
        usable = (priors.center < size.flip(0)).all(dim=1)
        if config.ignore_iof > 0:
            for box in instances.ignored_boxes[instances.ignored_image == number]:
                usable &= coverage(priors.box, box) <= config.ignore_iof
        row[usable] = NEGATIVE
        mine, here = (instances.image == number).nonzero().squeeze(1), usable.nonzero().squeeze(1)
        if len(mine) == 0:
            continue
        overlap = iou(priors.box[here, None], instances.boxes[mine])
        highest, which = overlap.max(dim=1)
        row[here[highest >= config.negative_iou]] = IGNORED
        row[here[highest >= config.positive_iou]] = mine[which[highest >= config.positive_iou]]
        for gt, column in zip(mine, overlap.T, strict=True):
            best = (column == column.max()).nonzero().squeeze(1)
            if column.max() > 0 and column.max() >= config.lowest_iou:
                row[here[best if config.all_best else best[:1]]] = gt
    return result


def crowds(seed: int) -> tuple[Instances, Tensor]:
    """A batch with ignored boxes and images of several sizes."""
    instances, padded = crowded(seed, 128, 160, side=64, cell=8)
    instances.ignored_boxes = torch.tensor([[0.0, 0, 100, 100], [20, 30, 60, 90], [0, 0, 160, 50]])
    instances.ignored_image = torch.tensor([0, 0, 2])
    padded[2] = torch.tensor([96, 128])
    return instances, padded


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_plain_loop_on_random_batches(seed: int, kind: str) -> None:
    instances, padded = crowds(seed)
    priors = retina_anchors(128, 160)
    ours = MaxIoU(CONFIGS[kind]).assign(priors, instances, padded).gt_index
    assert torch.equal(ours, plain(priors, instances, padded, CONFIGS[kind]))


@pytest.mark.parametrize("kind", CONFIGS)
def test_images_of_a_batch_do_not_see_each_other(kind: str) -> None:
    assert_images_are_independent(MaxIoU(CONFIGS[kind]), retina_anchors(128, 160), *crowds(5))


def test_without_any_ground_truth_all_priors_in_the_padded_image_are_negative() -> None:
    priors, padded = retina_anchors(128, 160), torch.tensor([[128, 160], [64, 96]])
    gt = MaxIoU(RETINANET).assign(priors, only(torch.zeros(0, 4)), padded).gt_index
    outside = (priors.center >= torch.tensor([96, 64])).any(dim=1)
    assert (gt[0] == NEGATIVE).all()
    assert torch.equal(gt[1], torch.where(outside, IGNORED, NEGATIVE))


def test_a_prior_that_is_the_best_of_two_goes_to_the_last_even_if_it_overlaps_less() -> None:
    priors = retina_anchors(128, 160)
    best = priors.box[2000]
    smaller = best + torch.tensor([2.0, 2, -2, -2])
    gt = MaxIoU(RETINANET).assign(priors, only(torch.stack([best, smaller])), torch.tensor([[128, 160]])).gt_index
    assert gt[0, 2000] == 1


def test_a_ground_truth_that_meets_no_prior_takes_none() -> None:
    far = torch.tensor([[5000.0, 5000, 5100, 5100]])
    for config in (RETINANET, SSD):
        gt = MaxIoU(config).assign(retina_anchors(128, 160), only(far), torch.tensor([[128, 160]])).gt_index
        assert (gt == NEGATIVE).all()


def test_blocks_hold_a_bounded_number_of_pairs_and_all_priors_in_order() -> None:
    priors = retina_anchors(256, 320)
    parts = list(claims.blocks(priors, 300))
    assert all((part.stop - part.start) * 300 <= claims._BLOCK for _, part in parts)
    assert all((priors.level[part] == level).all() for level, part in parts)
    assert all(before.stop == after.start for (_, before), (_, after) in pairwise(parts))
    assert (parts[0][1].start, parts[-1][1].stop) == (0, len(priors))


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_size_of_a_block_changes_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    instances, padded = crowds(6)
    priors, assigner = retina_anchors(128, 160), MaxIoU(CONFIGS[kind])
    whole = assigner.assign(priors, instances, padded).gt_index
    monkeypatch.setattr(claims, "_BLOCK", 5000)
    assert torch.equal(assigner.assign(priors, instances, padded).gt_index, whole)
