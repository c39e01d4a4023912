"""The correlation of predicted and real IoU, its intervals and its calibration, against scipy and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from analysis.quality import (
    bootstrap_interval,
    calibration_error,
    fisher_interval,
    pearson,
    quality_report,
    spearman,
)

Array = NDArray[np.float64]


def some_pairs(objects: int, each: int, shared: float, seed: int = 0) -> tuple[Array, Array, Array]:
    """Pairs of true correlation 0.5; of the variance the ``shared`` part is the same for all positives of an object."""
    rng = np.random.default_rng(seed)
    covariance = [[1.0, 0.5], [0.5, 1.0]]
    cluster = np.repeat(np.arange(objects), each)
    of_object = rng.multivariate_normal([0, 0], covariance, objects)[cluster]
    of_pair = rng.multivariate_normal([0, 0], covariance, objects * each)
    x, y = (np.sqrt(shared) * of_object + np.sqrt(1 - shared) * of_pair).T
    return x, y, cluster


def test_correlations_and_fishers_interval_are_scipys() -> None:
    x, y, _ = some_pairs(40, 3, 0.5)
    expected = scipy.stats.pearsonr(x, y)
    assert pearson(x, y) == pytest.approx(expected.statistic)
    assert fisher_interval(x, y) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic)


def test_what_is_not_defined_is_none() -> None:
    x = np.array([0.1, 0.2, 0.3])
    assert pearson(x, np.ones(3)) is None and spearman(x[:1], x[:1]) is None
    assert fisher_interval(x, x[::-1]) is None, "its error has no freedom left"
    assert bootstrap_interval(x, x**2, np.zeros(3)) is None, "one object cannot be drawn in another way"
    assert calibration_error(x[:0], x[:0]) is None
    assert quality_report({}) is None


def test_of_independent_pairs_both_intervals_agree() -> None:
    x, y, _ = some_pairs(3000, 1, 0.0)
    fisher, bootstrap = fisher_interval(x, y), bootstrap_interval(x, y, np.arange(3000))
    assert bootstrap == pytest.approx(fisher, abs=0.008)
    assert bootstrap == bootstrap_interval(x, y, np.arange(3000)), "the draws are the same each time"


def test_the_bootstrap_of_objects_holds_the_truth_where_fishers_interval_does_not() -> None:
    held = {"fisher": 0, "bootstrap": 0}
    for seed in range(100):
        x, y, cluster = some_pairs(120, 10, 0.8, seed)
        found = {"fisher": fisher_interval(x, y), "bootstrap": bootstrap_interval(x, y, cluster, resamples=300)}
        for name, interval in found.items():
            assert interval is not None
            held[name] += interval[0] <= 0.5 <= interval[1]
    assert held["bootstrap"] >= 88  # of 100; fewer once in 500 times, were it 95 %
    assert held["fisher"] < 70


def test_names_and_order_of_objects_make_no_difference() -> None:
    x, y, cluster = some_pairs(60, 4, 0.5)
    shuffled = np.random.default_rng(1).permutation(len(x))
    assert bootstrap_interval(x[shuffled], y[shuffled], 7 * cluster[shuffled]) == pytest.approx(
        bootstrap_interval(x, y, cluster)
    )


def test_calibration_error_of_a_hand_worked_case() -> None:
    predicted = np.array([0.1, 0.15, 0.9, 0.95])
    iou = np.array([0.3, 0.15, 0.8, 0.85])
    # two bins: mean gaps of 0.1 and 0.1; bins of 0.05 in width: 0.2, 0, 0.1 and 0.1
    assert calibration_error(predicted, iou, bins=2) == pytest.approx(0.1)
    assert calibration_error(predicted, iou, bins=2, adaptive=True) == pytest.approx(0.1)
    assert calibration_error(predicted + 1e-9, iou, bins=20) == pytest.approx((0.2 + 0 + 0.1 + 0.1) / 4, abs=1e-8)


def test_a_calibrated_quality_has_no_error_and_a_shifted_one_its_shift() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0.2, 0.8, 200_000)
    iou = predicted + rng.uniform(-0.2, 0.2, len(predicted))
    for adaptive in (False, True):
        assert calibration_error(predicted, iou, adaptive=adaptive) == pytest.approx(0, abs=0.003)
        assert calibration_error(predicted - 0.1, iou, adaptive=adaptive) == pytest.approx(0.1, abs=0.003)


def test_adaptive_bins_see_what_bins_of_equal_width_average_away() -> None:
    """Nearly all predictions lie in one bin of equal width, its lower half too high, its upper half too low."""
    predicted = np.linspace(0.001, 0.065, 1000)
    iou = np.where(predicted < 0.033, predicted - 0.03, predicted + 0.03)
    equal, adaptive = (calibration_error(predicted, iou, adaptive=choice) for choice in (False, True))
    assert equal == pytest.approx(0, abs=0.001) and adaptive is not None and adaptive > 0.025


def test_equal_predictions_share_an_adaptive_bin() -> None:
    predicted, iou = np.full(50, 0.4), np.linspace(0, 1, 50)
    assert calibration_error(predicted, iou, adaptive=True) == pytest.approx(0.1)
    assert calibration_error(predicted[::-1], iou[::-1], adaptive=True) == pytest.approx(0.1)


def test_a_report_of_evidence_counts_positives_and_objects() -> None:
    x, y, cluster = some_pairs(30, 4, 0.5)
    arrays = {"positive_predicted": x.astype(np.float32), "positive_iou": y, "positive_object": cluster}
    report = quality_report(arrays)
    assert report is not None and (report.count, report.objects) == (120, 30)
    assert report.pearson == pytest.approx(pearson(x, y), abs=1e-6)
    assert report.bootstrap is not None and report.bootstrap[0] < report.pearson < report.bootstrap[1]
