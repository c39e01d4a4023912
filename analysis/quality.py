"""How well a predicted quality follows the real IoU, from ``evidence.npz``: correlations, their intervals, calibration.

Positives of one object resemble each other, so Fisher's interval, which takes them as independent, is too narrow; the
bootstrap that draws whole objects is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.stats import LEVEL

Array = NDArray[np.float64]

BINS = 15
RESAMPLES = 1000
BATCH = 50  # resamples in memory at once


@dataclass(frozen=True)
class QualityReport:
    """Table 10's correlation and its kin over the K positives of a split; None where it is not defined.

    Attributes:
        count: K.
        objects: that the positives belong to.
        fisher: 95 % interval of ``pearson`` by Fisher's transformation.
        bootstrap: 95 % interval of ``pearson``, objects drawn with replacement.
        calibration_error: expected, over 15 bins of equal width in the predicted quality.
        adaptive_calibration_error: the same over 15 bins of equal count.
    """

    count: int
    objects: int
    pearson: float | None
    fisher: tuple[float, float] | None
    bootstrap: tuple[float, float] | None
    spearman: float | None
    calibration_error: float | None
    adaptive_calibration_error: float | None


def quality_report(evidence: Mapping[str, NDArray[Any]]) -> QualityReport | None:
    """The report of one run's evidence; None where it has no positives."""
    names = ("positive_predicted", "positive_iou", "positive_object")
    if any(name not in evidence or not len(evidence[name]) for name in names):
        return None
    predicted, iou, objects = (np.asarray(evidence[name], np.float64) for name in names)
    return QualityReport(
        count=len(iou),
        objects=len(np.unique(objects)),
        pearson=pearson(predicted, iou),
        fisher=fisher_interval(predicted, iou),
        bootstrap=bootstrap_interval(predicted, iou, objects),
        spearman=spearman(predicted, iou),
        calibration_error=calibration_error(predicted, iou),
        adaptive_calibration_error=calibration_error(predicted, iou, adaptive=True),
    )


def pearson(x: Array, y: Array) -> float | None:
    """Pearson's correlation of two arrays [K]; None of fewer than two pairs, or where one is constant."""
    return float(np.corrcoef(x, y)[0, 1]) if _is_defined(x, y) else None


def spearman(x: Array, y: Array) -> float | None:
    """Spearman's rank correlation of two arrays [K], ties sharing their mean rank."""
    if not _is_defined(x, y):
        return None
    from scipy.stats import spearmanr  # half a second to import

    return float(spearmanr(x, y).statistic)


def fisher_interval(x: Array, y: Array) -> tuple[float, float] | None:
    """95 % interval of Pearson's correlation of independent pairs [K]; None of fewer than four."""
    if len(x) < 4 or not _is_defined(x, y):
        return None
    from scipy.stats import pearsonr

    interval = pearsonr(x, y).confidence_interval(LEVEL)
    return float(interval.low), float(interval.high)


def bootstrap_interval(
    x: Array, y: Array, cluster: NDArray[Any], resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float] | None:
    """95 % percentile interval of Pearson's correlation of pairs [K], whole clusters drawn with replacement.

    Args:
        cluster: [K] what each pair belongs to, such as its object.

    Returns:
        None where there are fewer than two clusters, or too few for it to be defined.
    """
    _, index = np.unique(cluster, return_inverse=True)
    if not _is_defined(x, y) or index.max() == 0:
        return None
    from scipy.stats import bootstrap

    x, y = x - x.mean(), y - y.mean()  # sums of squares lose no digits
    sums = [np.bincount(index, weight) for weight in (np.ones_like(x), x, y, x * x, y * y, x * y)]
    interval = bootstrap(
        sums, _correlation_of_sums, paired=True, vectorized=True, n_resamples=resamples, batch=BATCH,
        confidence_level=LEVEL, method="percentile", random_state=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    if not np.isfinite(interval.low + interval.high):
        return None  # so few pairs that draws without a correlation are not rare
    return float(interval.low), float(interval.high)


def calibration_error(predicted: Array, iou: Array, bins: int = BINS, adaptive: bool = False) -> float | None:
    """Expected calibration error: |mean predicted - mean IoU| of each bin of ``predicted`` [K] in [0, 1], by its count.

    Args:
        adaptive: bins of equal count instead of equal width; equal predictions share a bin.
    """
    if not len(predicted):
        return None
    inner = np.arange(1, bins) / bins
    edges = np.quantile(predicted, inner) if adaptive else inner
    gaps = np.bincount(np.searchsorted(edges, predicted, side="right"), predicted - iou)
    return float(np.abs(gaps).sum() / len(predicted))


def _correlation_of_sums(*sums: Array, axis: int = -1) -> Array:
    """Pearson's correlation from each cluster's count and its sums of x, y, xx, yy and xy, added up along ``axis``."""
    n, x, y, xx, yy, xy = (part.sum(axis=axis) for part in sums)
    correlation: Array = (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))
    return correlation


def _is_defined(x: Array, y: Array) -> bool:
    return bool(len(x) >= 2 and np.ptp(x) > 0 and np.ptp(y) > 0)
