"""The foreground map of RepPoints V2, against plain loops."""

from __future__ import annotations

import torch
from detectors import random_batch
from torch import Tensor

from gfl_bench.config.schema import FocalConfig, PriorConfig
from gfl_bench.models.detectors.reppoints_v2.foreground import foreground, foreground_loss
from gfl_bench.models.priors import level_sizes, priors_for
from gfl_bench.structures import Batch, Logits, Priors

CLASSES = 3


def given() -> tuple[Batch, Priors]:
    batch = random_batch(0, [5, 0, 4], 96, 128)
    batch.instances.labels %= CLASSES
    return batch, priors_for(level_sizes(96, 128, [8, 16, 32, 64, 128]), PriorConfig(), torch.device("cpu"))


def shares(batch: Batch, priors: Priors) -> Tensor:
    """[B, P, C] one over the area of the smallest ground truth there, or 0."""
    share = torch.zeros(len(batch.sizes), len(priors), CLASSES)
    truths = (batch.instances.boxes.tolist(), batch.instances.labels.tolist(), batch.instances.image.tolist())
    for box, label, image in zip(*truths, strict=True):
        first, last = [z // 8 * 8 for z in box[:2]], [z // 8 * 8 for z in box[2:]]
        area = (box[2] - box[0]) * (box[3] - box[1])
        for prior, (x, y) in enumerate(priors.center.tolist()):
            if first[0] <= x <= last[0] and first[1] <= y <= last[1]:
                share[image, prior, label] = max(share[image, prior, label].item(), 1 / area)
    return share


def test_foreground_is_what_a_ground_truth_covers_and_weighs_its_smallest() -> None:
    batch, priors = given()
    share, found = shares(batch, priors), foreground(priors, batch.instances, len(batch.sizes), CLASSES)
    assert torch.equal(found.slot, share.flatten().nonzero().squeeze(1))
    torch.testing.assert_close(found.weight, share[share > 0])
    torch.testing.assert_close(found.totals, torch.stack([share.sum(), (share > 0).sum()]))


def test_its_loss_averages_what_is_seen_by_weight_and_all_else_by_count() -> None:
    batch, priors = given()
    share, found = shares(batch, priors), foreground(priors, batch.instances, len(batch.sizes), CLASSES)
    generator = torch.Generator().manual_seed(0)
    logits = Logits(torch.randn(share.shape, generator=generator))
    usable, p = torch.rand(share.shape[:2], generator=generator) < 0.8, logits.sigmoid()
    seen = (-0.25 * (1 - p) ** 2 * p.log() * share).sum() / share.sum()
    unseen = -0.75 * p**2 * (1 - p).log() * usable[..., None]
    expected = seen + unseen[share == 0].sum() / (share > 0).sum()
    loss = foreground_loss(logits, found, usable, found.totals, FocalConfig())
    torch.testing.assert_close(loss, expected)


def test_a_batch_without_ground_truth_has_a_finite_loss() -> None:
    batch, priors = random_batch(0, [0, 0]), given()[1]
    found = foreground(priors, batch.instances, 2, CLASSES)
    logits = Logits(torch.zeros(2, len(priors), CLASSES, requires_grad=True))
    loss = foreground_loss(logits, found, torch.ones(2, len(priors), dtype=torch.bool), found.totals, FocalConfig())
    loss.backward()
    assert loss.isfinite() and logits.grad is not None and logits.grad.isfinite().all()
