"""BorderDet as a whole: FCOS with a second stage, for all parts that fit it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from bordering import PUBLISHED, Choices, built
from detectors import random_batch
from torch import Tensor

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.structures import Batch

CHOICES = [PUBLISHED, ("joint", "general_dfl", "distribution"), ("none", "gaussian", "none")]


def test_the_first_stage_learns_as_fcos_does() -> None:
    batch, detectors = random_batch(0, [3, 2]), [built(*PUBLISHED, name) for name in ("borderdet", "fcos")]
    losses, wanted = (detector.loss(detector(batch.images), batch) for detector in detectors)
    assert set(losses) - set(wanted) == {"loss_border_cls", "loss_border_box"}
    for name, loss in wanted.items():
        torch.testing.assert_close(losses[name], loss)


@pytest.mark.parametrize("choices", CHOICES[:2], ids="-".join)
def test_a_batch_gives_what_its_images_give_alone(choices: Choices) -> None:
    batch = random_batch(0, [2, 2])
    detector = built(*choices).eval()
    noise = torch.randn(detector(batch.images).cls.shape[1:], generator=torch.Generator().manual_seed(0)) * 3

    def detect(part: slice) -> list[tuple[Tensor, Tensor, Tensor]]:
        one = Batch(
            batch.images[part], batch.instances, batch.sizes[part], batch.padded_sizes[part],
            batch.scale_factors[part], batch.image_ids[part],
        )  # fmt: skip
        with torch.no_grad():
            output = detector(one.images)
        output.cls, output.border_cls = output.cls + noise, output.border_cls + noise
        return [(found.boxes, found.scores, found.labels) for found in detector.predict(output, one)]

    for number, together in enumerate(detect(slice(0, 2))):
        (alone,) = detect(slice(number, number + 1))
        assert len(alone[1]) > 0
        for ours, wanted in zip(together, alone, strict=True):
            torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("choices", CHOICES, ids="-".join)
def test_quality_pairs_are_of_the_final_boxes(choices: Choices) -> None:
    batch = random_batch(0, [3, 2])
    detector = built(*choices).eval()
    with torch.no_grad():
        output = detector(batch.images)
    pairs = detector.quality_pairs(output, batch)
    moved = detector.quality_pairs(replace(output, border_box=output.border_box + 1), batch)
    assert len(pairs.iou) > 0 and not torch.equal(pairs.iou, moved.iou)
    assert torch.equal(pairs.predicted, moved.predicted)
    assert ((pairs.predicted >= 0) & (pairs.predicted <= 1)).all()


def test_both_class_scores_begin_at_the_prior_probability() -> None:
    output = built(*PUBLISHED)(torch.zeros(1, 3, 64, 64))
    for logits in (output.cls, output.border_cls):
        assert logits.sigmoid().mean().item() == pytest.approx(0.01, rel=0.05)


def test_several_boxes_a_cell_are_refused() -> None:
    with pytest.raises(ConfigError, match="borders of the one box"):
        compose_config(["detector=borderdet", "guidance=none", "detector.prior.octave_steps=3"])
