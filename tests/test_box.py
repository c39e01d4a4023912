"""Boxes from numbers and back, overlaps, and the four box distributions."""

from __future__ import annotations

import pytest
import torch
from detectors import BOXES
from reference import golden
from torch import Tensor

from gfl_bench.config.schema import ATSS, DiracConfig, PriorConfig
from gfl_bench.models import box as box_module
from gfl_bench.models.box import BoxDistribution, General, GeneralDFL
from gfl_bench.models.coding import (
    boxes_from_deltas,
    boxes_from_distances,
    centerness,
    deltas_from_boxes,
    distances_to_sides,
)
from gfl_bench.models.iou import coverage, giou_loss, iou
from gfl_bench.models.priors import level_sizes, priors_for, select
from gfl_bench.structures import Priors

ATSS_STD = DiracConfig().delta_std


def stored(name: str) -> dict[str, Tensor]:
    return {key: torch.from_numpy(value) for key, value in golden(name).items() if value.dtype.kind in "fi"}


def some_priors() -> Priors:
    config = PriorConfig()
    everywhere = priors_for(level_sizes(96, 128, config.strides), config, torch.device("cpu"))
    return select(everywhere, torch.arange(0, len(everywhere), 7))


def build(name: str) -> BoxDistribution:
    config, coding = BOXES[name]
    return box_module.BOXES[config.name](config, ATSS(name="atss", dirac=DiracConfig(coding=coding)))


@pytest.mark.parametrize(("precision", "tolerance"), [("f32", 1e-5), ("f64", 1e-9)])
@pytest.mark.parametrize(("key", "eps"), [("giou", 1e-6), ("giou_eps1e7", 1e-7)])
def test_giou_loss_and_its_gradient_are_the_references(key: str, eps: float, precision: str, tolerance: float) -> None:
    boxes = stored("loss_iou")
    dtype = torch.float32 if precision == "f32" else torch.float64
    predicted = boxes["pred"].to(dtype).requires_grad_()
    loss = giou_loss(predicted, boxes["target"].to(dtype), eps)
    (gradient,) = torch.autograd.grad(loss.sum(), predicted)
    torch.testing.assert_close(loss.detach(), boxes[f"{key}_loss_{precision}"], rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(gradient, boxes[f"{key}_grad_{precision}"], rtol=10 * tolerance, atol=tolerance)


def test_iou_and_coverage_are_the_references_also_for_degenerate_boxes() -> None:
    boxes = stored("loss_iou")
    a, b = boxes["pred"], boxes["target"]
    torch.testing.assert_close(iou(a, b), boxes["overlaps_aligned_iou"])
    torch.testing.assert_close(coverage(a, b), boxes["overlaps_aligned_iof"])
    torch.testing.assert_close(iou(a[:20, None], b[:15]), boxes["overlaps_pair_iou"])


def test_coders_are_the_references() -> None:
    z = stored("coders")
    torch.testing.assert_close(boxes_from_distances(z["points"], z["distance"]), z["d2b_noclip"])
    torch.testing.assert_close(distances_to_sides(z["b2d_points"], z["boxes"]), z["b2d_nomax"])
    torch.testing.assert_close(deltas_from_boxes(z["anchors"], z["boxes"], ATSS_STD), z["xywh_atss_encode"])
    torch.testing.assert_close(boxes_from_deltas(z["anchors"], z["xywh_atss_deltas"], ATSS_STD), z["xywh_atss_decode"])


def test_centerness_is_the_references() -> None:
    z = stored("coders")
    center = (z["atss_ctr_anchors"][:, :2] + z["atss_ctr_anchors"][:, 2:]) / 2
    inside = z["atss_ctr_target"].nan_to_num(0.0)  # it is no number outside, where no positive of ATSS lies
    torch.testing.assert_close(centerness(center, z["boxes"]), inside)
    origin = torch.zeros(50, 2)
    boxes = boxes_from_distances(origin, z["fcos_ctr_ltrb"])
    torch.testing.assert_close(centerness(origin, boxes), z["fcos_ctr_target"])


def test_deltas_decode_to_what_was_encoded() -> None:
    z = stored("coders")
    priors, boxes = z["anchors"], z["boxes"]
    ratio = (boxes[:, 2:] - boxes[:, :2]) / (priors[:, 2:] - priors[:, :2])
    priors, boxes = priors[(ratio > 0.016).all(dim=1)], boxes[(ratio > 0.016).all(dim=1)]  # no ratio is cut off
    decoded = boxes_from_deltas(priors, deltas_from_boxes(priors, boxes, ATSS_STD), ATSS_STD)
    torch.testing.assert_close(decoded, boxes, rtol=1e-4, atol=1e-3)


def test_expectation_of_a_general_distribution_is_the_references() -> None:
    z = stored("loss_dfl_regmax16")
    mean = General(2.0, n=16, delta=1.0).mean(z["integral_in"].unflatten(1, (4, 17)), some_priors())
    torch.testing.assert_close(mean, z["integral_out"])


def test_16_intervals_of_1_stride_and_32_of_a_half_cover_one_range() -> None:
    coarse, fine = General(2.0, n=16, delta=1.0), General(2.0, n=32, delta=0.5)
    torch.testing.assert_close(fine.project[::2], coarse.project)
    assert (coarse.channels, fine.channels) == (17, 33)


@pytest.mark.parametrize("box", [GeneralDFL(2.0, 16, 1.0, 0.25), GeneralDFL(2.0, 32, 0.5, 0.25)], ids=["1", "0.5"])
def test_one_certain_bin_decodes_to_its_distance_and_leaves_no_loss(box: GeneralDFL) -> None:
    priors = select(some_priors(), torch.tensor([3]))
    distance = torch.tensor([[2.0, 5.0, 7.0, 15.0]])
    raw = torch.full((1, 4, box.channels), -100.0).scatter(2, (distance / box.delta).long()[..., None], 100.0)
    target = boxes_from_distances(priors.center, distance * priors.stride[:, None])
    boxes = box.decode(raw, priors)
    torch.testing.assert_close(boxes, target)
    for loss in box.losses(raw, boxes, target, priors).values():
        torch.testing.assert_close(loss, torch.zeros(1), rtol=0, atol=1e-5)


def test_dfl_of_a_target_beyond_the_range_pulls_towards_the_last_bins() -> None:
    box, priors = GeneralDFL(2.0, 16, 1.0, 0.25), select(some_priors(), torch.tensor([0]))
    raw = torch.zeros(1, 4, 17, requires_grad=True)
    target = boxes_from_distances(priors.center, torch.full((1, 4), 40.0) * priors.stride[:, None])
    loss = box.losses(raw, box.decode(raw, priors), target, priors)["loss_dfl"]
    (gradient,) = torch.autograd.grad(loss.sum(), raw)
    assert (gradient.argmin(dim=-1) == 16).all()


@pytest.mark.parametrize("name", ["dirac_delta", "dirac_distance", "gaussian"])
def test_an_untrained_dirac_or_gaussian_head_predicts_the_prior(name: str) -> None:
    box, priors = build(name), some_priors()
    raw = torch.zeros(len(priors), 4, box.channels)
    torch.testing.assert_close(box.decode(raw, priors), priors.box)


@pytest.mark.parametrize("name", BOXES)
def test_a_box_lies_at_its_mean_distances_from_the_prior(name: str) -> None:
    box, priors = build(name), some_priors()
    raw = torch.randn(len(priors), 4, box.channels, generator=torch.Generator().manual_seed(0))
    boxes = boxes_from_distances(priors.center, box.mean(raw, priors) * priors.stride[:, None])
    torch.testing.assert_close(boxes, box.decode(raw, priors), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", BOXES)
def test_gradient_descent_on_the_box_losses_finds_the_target(name: str) -> None:
    box, priors = build(name), select(some_priors(), torch.tensor([5, 30]))
    target = boxes_from_distances(priors.center, torch.tensor([2.3, 4.1, 6.6, 3.2]) * priors.stride[:, None])
    raw = torch.zeros(2, 4, box.channels, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.2)
    for _ in range(120):
        optimizer.zero_grad()
        losses = box.losses(raw, box.decode(raw, priors), target, priors)
        sum(loss.sum() for loss in losses.values()).backward()  # type: ignore[union-attr]
        optimizer.step()
    assert iou(box.decode(raw.detach(), priors), target).min() > 0.97


def test_gaussian_has_no_box_level_loss_and_stays_finite_at_any_variance() -> None:
    box, priors = build("gaussian"), some_priors()
    raw = torch.tensor([[0.0, -1000.0], [0.0, 1000.0], [50.0, 0.0], [0.0, 0.0]]).expand(len(priors), 4, 2)
    losses = box.losses(raw, box.decode(raw, priors), priors.box + 3, priors)
    assert list(losses) == ["loss_box"]
    assert losses["loss_box"].isfinite().all()


def test_a_gaussian_is_sure_where_it_is_right() -> None:
    box, priors = build("gaussian"), some_priors()
    raw = torch.zeros(len(priors), 4, 2, requires_grad=True)
    loss = box.losses(raw, box.decode(raw, priors), priors.box, priors)["loss_box"]
    (gradient,) = torch.autograd.grad(loss.sum(), raw)
    assert (gradient[..., 1] > 0).all()  # a smaller log variance is better
