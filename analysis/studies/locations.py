"""What locations show of the quality number, of the distributions and of the targets (Figs. 2, 3b and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.quality import pearson

HIGH_QUALITY = 0.5
TARGET_END = 15.0  # strides
TARGET_RANGE = 32.0  # strides; the histogram's last bin lies beyond


def location_numbers(evidence: Mapping[str, NDArray[Any]]) -> dict[str, float]:
    """By name, absent what the detector has not:

    background_quality: percent of the negative locations whose quality number is above 0.5 (Fig. 2);
    targets_to_15: percent of the sides' targets that lie in 0..15 strides (Fig. 10);
    top1_correlation: Pearson's, of the top-1 probability, mean of the four sides, with IoU over positives (Fig. 3b).
    """
    values = {
        "background_quality": _percent(evidence.get("background_quality"), _from_high_quality),
        "targets_to_15": _percent(evidence.get("target_histogram"), _to_target_end),
        "top1_correlation": _top1_correlation(evidence),
    }
    return {name: value for name, value in values.items() if value is not None}


def _from_high_quality(bins: int) -> slice:
    return slice(round(HIGH_QUALITY * bins), None)


def _to_target_end(bins: int) -> slice:
    """The last of ``bins`` is for what lies beyond the range."""
    return slice(round(TARGET_END / TARGET_RANGE * (bins - 1)))


def _percent(counts: NDArray[Any] | None, part: Any) -> float | None:
    if counts is None or not counts.sum():
        return None
    return float(100 * counts[part(len(counts))].sum() / counts.sum())


def _top1_correlation(evidence: Mapping[str, NDArray[Any]]) -> float | None:
    if "side_top1" not in evidence or not len(evidence["side_top1"]):
        return None
    top1 = np.asarray(evidence["side_top1"], np.float64).mean(axis=1)
    return pearson(top1, np.asarray(evidence["positive_iou"], np.float64))
