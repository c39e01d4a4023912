"""Numbers of a run from its ``evidence.npz``; None where it has none, or not of the kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.evidence import load_evidence
from analysis.quality import pearson, spearman
from analysis.tables.matching import Sample

Array = NDArray[np.float64]

HIGH_QUALITY = 0.5
TARGET_END = 15.0  # strides
TARGET_RANGE = 32.0  # strides; the histogram's last bin lies beyond


def background_quality(run: Sample) -> float | None:
    """Percent of the negative locations whose quality number is above 0.5 (Fig. 2)."""
    return _percent(run, "background_quality", lambda counts: counts[round(HIGH_QUALITY * len(counts)):])


def targets_to_15(run: Sample) -> float | None:
    """Percent of the sides' targets that lie in 0..15 strides (Fig. 10)."""
    return _percent(run, "target_histogram", lambda counts: counts[: _targets_end(len(counts))])


def top1_correlation(run: Sample) -> float | None:
    """Pearson's correlation of the top-1 probability, mean of the four sides, with IoU over positives (Fig. 3b)."""
    found = _arrays(run, "side_top1", "positive_iou")
    return None if found is None else pearson(found[0].mean(axis=1), found[1])


def flatness_correlation(run: Sample) -> float | None:
    """Spearman's correlation of a side's entropy with the ambiguity of its edge in pixels (Figs. 11, 12).

    Within each pyramid level, whose stride scales both, and averaged over the levels by their positives.
    """
    found = _arrays(run, "side_entropy", "side_sigma", "positive_stride")
    if found is None:
        return None
    entropy, sigma, stride = found
    levels = [stride == one for one in np.unique(stride)]
    ranks = [spearman(entropy[level].ravel(), sigma[level].ravel()) for level in levels]
    known = [(rank, level.sum()) for rank, level in zip(ranks, levels, strict=True) if rank is not None]
    values, counts = [rank for rank, _ in known], [count for _, count in known]
    return float(np.average(values, weights=counts)) if known else None


def _percent(run: Sample, name: str, part: Callable[[Array], Array]) -> float | None:
    found = _arrays(run, name)
    if found is None or not found[0].sum():
        return None
    (counts,) = found
    return float(100 * part(counts).sum() / counts.sum())


def _targets_end(bins: int) -> int:
    """How many bins lie below ``TARGET_END``; the last of ``bins`` is for what lies beyond the range."""
    return round(TARGET_END / TARGET_RANGE * (bins - 1))


def _arrays(run: Sample, *names: str) -> list[Array] | None:
    """Arrays of a run in double precision; None where one is absent or empty."""
    found = load_evidence(Path(run.path))
    if found is None or any(name not in found or not len(found[name]) for name in names):
        return None
    return [np.asarray(found[name], np.float64) for name in names]
