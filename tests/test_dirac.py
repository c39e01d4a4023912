"""Dirac boxes as each detector codes and trains them."""

from __future__ import annotations

import pytest
import torch
from reference import golden
from torch import Tensor

from gfl_bench.config.schema import INVERTIBLE, BoxLoss, DiracCoding, DiracConfig, PriorConfig
from gfl_bench.models.box.dirac import Dirac, InvertibleCoding
from gfl_bench.models.coding import boxes_from_distances, distances_to_sides
from gfl_bench.models.iou import iou_loss
from gfl_bench.models.priors import level_sizes, priors_for, select
from gfl_bench.structures import Priors

CPU = torch.device("cpu")


def priors(offset: float = 0.5, scale: float = 4.0) -> Priors:
    config = PriorConfig(offset=offset, scale=scale)
    everywhere = priors_for(level_sizes(96, 128, config.strides), config, CPU)
    return select(everywhere, torch.arange(0, len(everywhere), 5))


def codes(count: int) -> Tensor:
    return torch.randn(count, 4, 1, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("coding", "distances"),
    [
        (DiracCoding.stride, lambda x, p: x.clamp(min=0) * p.stride[:, None]),  # FCOS
        (DiracCoding.pixel, lambda x, p: x.exp()),  # FCOS at first
        (DiracCoding.ratio, lambda x, p: x.exp() * 2 * p.stride[:, None]),  # FoveaBox: 16 pixels on the finest level
        (DiracCoding.distance, lambda x, p: (x + 2) * p.stride[:, None]),
        (DiracCoding.size, lambda x, p: x.exp() * 4 * p.stride[:, None]),  # VFNet
    ],
)
def test_distances_are_what_the_coding_says(coding: DiracCoding, distances) -> None:  # type: ignore[no-untyped-def]
    some = priors()
    raw = codes(len(some))
    found = distances_to_sides(some.center, Dirac(DiracConfig(coding=coding)).decode(raw, some))
    torch.testing.assert_close(found, distances(raw[..., 0], some), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("coding", sorted(INVERTIBLE, key=str))
def test_what_is_encoded_decodes_to_the_box(coding: DiracCoding) -> None:
    some, box = priors(), Dirac(DiracConfig(coding=coding))
    assert isinstance(box.coding, InvertibleCoding)
    distances = torch.rand(len(some), 4, generator=torch.Generator().manual_seed(1)) * 8 + 1
    target = boxes_from_distances(some.center, distances * some.stride[:, None] / 2)
    torch.testing.assert_close(box.coding.decode(box.coding.encode(target, some), some), target, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(("loss", "beta"), [(BoxLoss.l1, 0.0), (BoxLoss.smooth_l1, 0.11), (BoxLoss.smooth_l1, 1.0)])
def test_a_loss_on_codes_is_the_sum_over_the_four_numbers(loss: BoxLoss, beta: float) -> None:
    some, box = priors(), Dirac(DiracConfig(loss=loss, loss_weight=3.0, smooth_beta=beta))
    target = some.box + 3
    raw = codes(len(some))
    assert isinstance(box.coding, InvertibleCoding)
    error = (raw[..., 0] - box.coding.encode(target, some)).abs()
    wanted = error if beta == 0 else torch.where(error < beta, error.square() / (2 * beta), error - beta / 2)
    found = box.losses(raw, box.decode(raw, some), target, some)["loss_box"]
    torch.testing.assert_close(found, 3 * wanted.sum(dim=1))


def test_iou_loss_and_its_gradient_are_the_references() -> None:
    stored = golden("loss_iou")
    predicted = torch.from_numpy(stored["pred"]).requires_grad_()
    loss = iou_loss(predicted, torch.from_numpy(stored["target"]))
    (gradient,) = torch.autograd.grad(loss.sum(), predicted)
    torch.testing.assert_close(loss.detach(), torch.from_numpy(stored["iou_log_loss_f32"]), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(gradient, torch.from_numpy(stored["iou_log_grad_f32"]), rtol=1e-4, atol=1e-5)


def test_a_coding_without_an_inverse_has_no_loss_on_codes() -> None:
    some, box = priors(), Dirac(DiracConfig(coding=DiracCoding.stride, loss=BoxLoss.l1))
    raw = codes(len(some))
    with pytest.raises(TypeError, match="coding delta or ratio"):
        box.losses(raw, box.decode(raw, some), some.box, some)


def test_nine_priors_of_a_cell_are_retinanets() -> None:
    config = PriorConfig(scale=4, octave_steps=3, ratios=[0.5, 1.0, 2.0])
    some = priors_for(((1, 1),) * 5, config, CPU)
    assert some.lengths == [9] * 5
    for level, stored in enumerate(golden("base_anchors")[key] for key in sorted(BASE_ANCHORS)):
        torch.testing.assert_close(some.box[some.level == level], torch.from_numpy(stored), rtol=1e-4, atol=1e-3)


BASE_ANCHORS = [key for key in golden("base_anchors") if key.startswith("retina")]
