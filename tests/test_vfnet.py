"""What VFNet's two boxes learn from, with any quality and any box."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from detectors import CLASSES, NANO, random_batch

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.models.build import build_detector
from gfl_bench.models.detectors.vfnet.detector import RefinedOutput, VFNet
from gfl_bench.structures import Batch

PUBLISHED = ["quality=joint", "quality.loss=varifocal", "quality.box_weight=iou", "box=dirac"]


composed = cache(lambda *overrides: compose_config(["detector=vfnet", "guidance=none", *overrides, *NANO]))


def made(parts: list[str], *overrides: str) -> VFNet:
    detector = build_detector(composed(*parts, *overrides), CLASSES, seed=0)
    assert isinstance(detector, VFNet)
    return detector


def refined(detector: VFNet, batch: Batch) -> RefinedOutput:
    output = detector(batch.images)
    assert isinstance(output, RefinedOutput)
    return output


@pytest.mark.parametrize("box", ["dirac", "gaussian", "general", "general_dfl"])
def test_a_refinement_of_1_is_the_initial_box(box: str) -> None:
    detector, batch = made(["quality=joint", f"box={box}", "quality.box_weight=iou"]), random_batch(0, [3, 2])
    output = refined(detector, batch)
    output.refinement = torch.ones_like(output.refinement)
    _, positives = detector.match(output, batch)
    torch.testing.assert_close(positives.boxes, detector.box.decode(positives.raw, positives.priors))
    losses = detector.loss(output, batch)
    assert ("loss_dfl" in losses) == (box == "general_dfl")
    if box != "gaussian":  # whose initial box has a loss of its own
        assert losses["loss_init"].item() == pytest.approx(losses["loss_box"].item() * 1.5 / 2, rel=1e-4)


def test_the_final_box_teaches_the_refinement_and_not_the_initial_box() -> None:
    detector, batch = made(PUBLISHED), random_batch(0, [3, 2])
    output = refined(detector, batch)
    losses = detector.loss(output, batch)
    parts = output.box, output.refinement
    final = torch.autograd.grad(losses["loss_box"], parts, retain_graph=True, allow_unused=True)
    initial = torch.autograd.grad(losses["loss_init"], parts, allow_unused=True)
    assert [gradient is not None and bool(gradient.any()) for gradient in final] == [False, True]
    assert [gradient is not None and bool(gradient.any()) for gradient in initial] == [True, False]


def test_a_tenth_of_the_gradient_reaches_the_initial_box_from_its_star() -> None:
    batch, gradients = random_batch(0, [3, 2]), []
    for share in (1.0, 0.1):
        detector = made(PUBLISHED, f"detector.head.star_gradient={share}")
        losses = detector.loss(detector(batch.images), batch)
        (gradient,) = torch.autograd.grad(losses["loss_quality"], detector.head.box.weight)
        gradients.append(gradient)
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(gradients[1], gradients[0] / 10, rtol=1e-4, atol=1e-9)


def test_the_padding_of_an_image_is_negative() -> None:
    detector, batch = made(PUBLISHED), random_batch(0, [2, 2])
    output = refined(detector, batch)
    ordinary = detector.assigner.assign(detector.priors(batch), batch.instances, batch.padded_sizes)
    assignment, _ = detector.match(output, batch)
    assert not ordinary.learns.all() and assignment.learns.all()
    assert torch.equal(assignment.gt_index[ordinary.learns], ordinary.gt_index[ordinary.learns])


@pytest.mark.parametrize(("override", "said"), [
    ("detector.dirac.coding=pixel", "set coding=size"),
    ("detector.box_normaliser=count", "set detector.box_normaliser=weights"),
])  # fmt: skip
def test_what_the_refinement_cannot_follow_is_refused(override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        compose_config(["detector=vfnet", *PUBLISHED, override])
