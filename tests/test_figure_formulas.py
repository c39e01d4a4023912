"""The figures' own formulas and counts are those of the project, of the paper, and of worked examples."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.figures.ambiguity import by_sigma, spreads
from analysis.figures.background import at_least
from analysis.figures.distributions import distinct, positions, view
from analysis.figures.picture import ious
from analysis.figures.qfl import quality_focal_loss
from analysis.figures.targets import MARGIN, clamped
from analysis.figures.topkm import SHAPE, N, shifted, topkm
from analysis.figures.tradeoff import pareto
from gfl_bench.models.box import general
from gfl_bench.models.guidance import distribution
from gfl_bench.models.losses import quality_focal_loss_on_probabilities


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 2.0, 2.5, 4.0])
def test_the_drawn_qfl_is_the_one_that_trains(beta: float) -> None:
    sigma = np.linspace(0.01, 0.99, 50)
    column = torch.from_numpy(sigma)[:, None]
    rows, label, quality = torch.arange(50), torch.zeros(50, dtype=torch.long), torch.full((50,), 0.5)
    trained = quality_focal_loss_on_probabilities(column, rows, label, quality.double(), beta)
    np.testing.assert_allclose(quality_focal_loss(sigma, 0.5, beta), trained.numpy(), rtol=1e-9)


def test_qfl_at_half_its_label_by_hand() -> None:
    assert quality_focal_loss(np.array([0.25]), 0.5, 2.0)[0] == pytest.approx(
        0.0625 * -(0.5 * math.log(0.75) + 0.5 * math.log(0.25))
    )


@pytest.mark.parametrize("k", [1, 4, 16])
def test_the_drawn_topkm_is_what_dgqp_reads(k: int) -> None:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(17), size=(3, 4))
    np.testing.assert_allclose(topkm(probabilities, k), distribution.topkm(torch.from_numpy(probabilities), k).numpy())


def test_topkm_does_not_change_where_the_drawn_distribution_lies() -> None:
    moved = np.array([shifted(shift) for shift in range(N + 2 - len(SHAPE))])
    np.testing.assert_allclose(moved.sum(axis=1), 1)
    assert len({tuple(row) for row in topkm(moved, 4)}) == 1
    assert len(np.unique(moved @ np.arange(N + 1))) == len(moved), "but the distance that it stands for does"


def test_clamped_targets_are_those_that_training_clamps() -> None:
    assert general._LAST_BIN_MARGIN == MARGIN
    target = np.array([[0.0, 7.9, 15.875, 15.92], [16.0, 20.0, 31.5, 40.0]], np.float16)
    assert clamped(target, 16, 1) == 5 / 8
    assert clamped(target, 16, 0.5) == 6 / 8, "the end is 8 strides, 7.95 with the margin"
    assert clamped(target, 16, 4) == 0
    assert clamped(target[:0], 16, 1) == 0


def test_shares_from_a_bin_on() -> None:
    np.testing.assert_allclose(at_least(np.array([2, 1, 1, 0])), [1, 0.5, 0.25, 0, 0])
    assert not at_least(np.zeros(3, np.int64)).any(), "no background is no share"


def test_the_front_is_of_those_that_nothing_beats_in_both() -> None:
    points = [(20.0, 38.0), (10.0, 30.0), (15.0, 40.0), (15.0, 35.0), (30.0, 41.0), (12.0, 30.0)]
    beaten = {
        one for one in points for other in points if other != one and other[0] <= one[0] and other[1] >= one[1]
    }
    assert pareto(points) == sorted(set(points) - beaten) == [(10.0, 30.0), (15.0, 40.0), (30.0, 41.0)]


def test_each_bin_stands_where_it_puts_its_side() -> None:
    places = positions(np.array([40.0, 50.0]), stride=8, bins=3, delta=0.5)
    np.testing.assert_array_equal(places, [[40, 36, 32], [50, 46, 42], [40, 44, 48], [50, 54, 58]])
    x, y = view(np.array([32.0, 42, 48, 58]), places, np.full((4, 3), 1 / 3), (100, 100))
    assert x[0] <= 32 and x[1] >= 48 and y[0] <= 42 and y[1] >= 58
    assert x[1] - x[0] == pytest.approx(y[1] - y[0]), "square"


def test_an_object_is_shown_once() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [0, 0, 10, 10], [20, 20, 30, 30]], np.float32)
    assert distinct(np.array([1, 1, 2, 1]), boxes) == [0, 2, 3]
    np.testing.assert_allclose(ious(boxes[:2], boxes[:1]), [[1], [0.9]])


def test_spreads_are_in_pixels_and_only_of_sides_whose_truth_is_known() -> None:
    arrays = {
        "positive_stride": np.array([8, 16], np.float16),
        "side_variance": np.array([[1, 4, np.nan, 1], [1, 1, 1, 0.25]], np.float16),
        "side_sigma": np.array([[1, 2, 3, np.nan], [4, 5, 6, 7]], np.float16),
    }
    sigma, spread = spreads(arrays)
    np.testing.assert_allclose(sigma, [1, 2, 4, 5, 6, 7])
    np.testing.assert_allclose(spread, [8, 16, 16, 16, 16, 8])


def test_a_spread_that_follows_the_truth_is_a_rising_curve() -> None:
    rng = np.random.default_rng(2)
    sigma = np.concatenate([np.full(3000, 0.3), np.exp(rng.uniform(0, np.log(12), 3000))])
    curve = by_sigma(sigma, sigma * rng.lognormal(0, 0.1, 6000))
    assert curve.index[0] == pytest.approx(0.3), "the sharp sides are a bin of their own"
    assert curve[0.5].is_monotonic_increasing and (curve[0.25] < curve[0.75]).all()
    np.testing.assert_allclose(curve[0.5], curve.index, rtol=0.05)
    assert isinstance(curve, pd.DataFrame)
