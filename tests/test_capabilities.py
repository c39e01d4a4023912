"""Table 1: what the options of ``box`` declare is what their parts do, and what the paper says."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from analysis.tables.capabilities import capability_sheet
from analysis.tables.latex import latex
from analysis.tables.plain_text import markdown, terminal
from gfl_bench.config.options import OPTIONS
from gfl_bench.config.schema import ATSS, DiracCoding, DiracConfig
from gfl_bench.models import box as box_module
from gfl_bench.models.box import BoxDistribution
from gfl_bench.models.iou import giou_loss
from gfl_bench.structures import Priors

KINDS = {option.partition("/")[2]: kind for option, kind in OPTIONS.items() if option.startswith("box/")}
# The paper's Table 1: uncertainty modelling, optimisation at the level of the edge, and of the box.
PAPER = {"dirac": (False, True, True), "gaussian": (True, True, False), "general": (True, True, True)}
PRIORS = Priors(*map(torch.tensor, ([[40.0, 40.0]], [8.0], [[8.0, 8.0, 72.0, 72.0]], [0])), [(1, 1)], [1])
TARGET = torch.tensor([[12.0, 20.0, 70.0, 66.0]])
EDGES = (TARGET - torch.tensor([40.0, 40.0, 40.0, 40.0])) / 8 * torch.tensor([-1.0, -1.0, 1.0, 1.0])
NAMES = sorted(KINDS)


def part(name: str) -> BoxDistribution:
    return box_module.BOXES[name](KINDS[name](), ATSS(name="atss", dirac=DiracConfig(coding=DiracCoding.distance)))


def a_prediction(distribution: BoxDistribution) -> Tensor:
    return torch.randn(1, 4, distribution.channels, generator=torch.Generator().manual_seed(3)).requires_grad_()


def trains_every_number(loss: Tensor, raw: Tensor) -> bool:
    """Whether a step against ``loss`` moves each predicted number."""
    return bool((torch.autograd.grad(loss, raw)[0].abs() > 0).all())


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_on_the_whole_box_trains_every_number_where_that_is_declared(name: str) -> None:
    distribution = part(name)
    raw = a_prediction(distribution)
    loss = giou_loss(distribution.decode(raw, PRIORS), TARGET).sum()
    assert trains_every_number(loss, raw) == bool(KINDS[name].supports.box)


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_on_single_sides_trains_every_number_where_that_is_declared(name: str) -> None:
    distribution = part(name)
    raw = a_prediction(distribution)
    sides = (distribution.mean(raw, PRIORS) - EDGES).square() / 2
    if not KINDS[name].supports.box:  # Gaussian: the distance alone does not train the variance, its own loss does
        sides = distribution.losses(raw, distribution.decode(raw, PRIORS), TARGET, PRIORS)["loss_box"]
    assert trains_every_number(sides.sum(), raw) == bool(KINDS[name].supports.edge)


def test_dfl_trains_each_side_alone() -> None:
    distribution = part("general_dfl")
    raw = a_prediction(distribution)
    boxes = distribution.decode(raw, PRIORS)
    (whole,) = torch.autograd.grad(distribution.losses(raw, boxes, TARGET, PRIORS)["loss_dfl"].sum(), raw)
    moved = TARGET + torch.tensor([[0.0, 0.0, 0.0, 9.0]])
    (other,) = torch.autograd.grad(distribution.losses(raw, boxes, moved, PRIORS)["loss_dfl"].sum(), raw)
    assert torch.equal(whole[:, :3], other[:, :3]) and not torch.equal(whole[:, 3], other[:, 3])


@pytest.mark.parametrize("name", NAMES)
def test_predictions_of_one_distance_differ_in_certainty_where_that_is_declared(name: str) -> None:
    distribution = part(name)
    sure = torch.full((1, 4, distribution.channels), -20.0)
    unsure = sure.clone()
    if distribution.channels == 2:  # mean and log variance
        sure, unsure = torch.tensor([1.0, -3.0]).expand(1, 4, 2), torch.tensor([1.0, 3.0]).expand(1, 4, 2)
    elif distribution.channels > 2:
        sure[..., 5], unsure[..., [2, 8]] = 20.0, 20.0
    torch.testing.assert_close(distribution.mean(sure, PRIORS), distribution.mean(unsure, PRIORS))
    spreads = [distribution.spread(raw).get("variance") for raw in (sure, unsure)]
    differ = all(spread is not None for spread in spreads) and bool((spreads[0] < spreads[1]).all())
    assert differ == KINDS[name].supports.uncertainty
    assert (distribution.channels > 1) == KINDS[name].supports.uncertainty


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.floats(0.001, 1), min_size=17, max_size=17))
def test_any_histogram_is_a_prediction_where_several_peaks_are_declared(name: str, weights: list[float]) -> None:
    histogram = torch.tensor(weights) / sum(weights)
    found = part(name).probabilities(histogram.log().expand(1, 4, 17))
    assert (found is not None) == KINDS[name].supports.several_peaks
    if found is not None:
        torch.testing.assert_close(found[0, 0], histogram)


def test_of_two_likely_places_dfl_learns_both_and_a_gaussian_the_middle() -> None:
    """A side half the time at 2 strides and half at 6: where the losses' gradients vanish."""
    near, far = (torch.tensor([[40 - 8 * d, 40 - 8 * d, 40 + 8 * d, 40 + 8 * d]]) for d in (2.0, 6.0))

    def gradient(name: str, raw: Tensor, loss: str) -> Tensor:
        distribution, raw = part(name), raw.requires_grad_()
        boxes = distribution.decode(raw, PRIORS)
        total = sum(distribution.losses(raw, boxes, target, PRIORS)[loss].sum() for target in (near, far))
        return torch.autograd.grad(total, raw)[0]

    histogram = torch.full((1, 4, 17), 1e-9)
    histogram[..., [2, 6]] = 0.5
    assert gradient("general_dfl", histogram.log(), "loss_dfl").abs().max() < 1e-6
    middle = torch.tensor([0.0, torch.tensor(4.0).log()]).expand(1, 4, 2).clone()  # the prior's sides are at 4
    assert gradient("gaussian", middle, "loss_box").abs().max() < 1e-6


def test_the_declarations_are_the_papers_table() -> None:
    for name, (uncertainty, edge, box) in PAPER.items():
        supports = KINDS[name].supports
        assert (supports.uncertainty, bool(supports.edge), bool(supports.box)) == (uncertainty, edge, box)


def test_the_table_has_a_row_for_each_option_and_no_count_of_seeds() -> None:
    sheet = capability_sheet()
    assert [line.entries[0].measured for line in sheet.lines] == list(KINDS)
    assert sheet.heading.startswith("Table 1. ")
    for text in (terminal(sheet), markdown(sheet), latex(sheet)):
        assert "General with DFL" in text and "half-width" not in text and " n " not in text
