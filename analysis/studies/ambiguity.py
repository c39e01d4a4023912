"""Does what a detector says of a side follow how ambiguous its edge is? Generated scenes know the truth.

Rank correlations within each pyramid level, whose stride scales both, averaged over the levels by their positives. All
are signed so that 1 says "the more ambiguous, the less sure".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.evidence import Arrays
from analysis.quality import spearman

Array = NDArray[np.float64]

# Of each side: how wide its distribution is. The mean over the highest probabilities falls with the width.
SPREADS: dict[str, tuple[str, int]] = {
    "entropy": ("side_entropy", 1), "variance": ("side_variance", 1), "top-1": ("side_top1", -1),
    "top-4 mean": ("side_topkm", -1),
}  # fmt: skip
# Of each location, against the mean over its sides: controls that a Dirac delta has too.
CONTROLS: dict[str, tuple[str, int]] = {
    "predicted quality": ("positive_predicted", -1), "real IoU": ("positive_iou", -1),
}  # fmt: skip


def ambiguity_correlations(evidence: Arrays) -> dict[str, float]:
    """Spearman's correlation with the true sigma by name; absent what the detector or the data do not have."""
    if "side_sigma" not in evidence:
        return {}
    found = {name: _correlation(evidence, key, sign, np.ravel) for name, (key, sign) in SPREADS.items()}
    found |= {name: _correlation(evidence, key, sign, _of_location) for name, (key, sign) in CONTROLS.items()}
    return {name: value for name, value in found.items() if value is not None}


def _correlation(evidence: Arrays, key: str, sign: int, of: Callable[[Array], Array]) -> float | None:
    """Of ``sign`` times the array ``key`` [K, 4] or [K] with what ``of`` makes of sigma [K, 4]."""
    if key not in evidence:
        return None
    values, sigma, stride = (np.asarray(evidence[name], np.float64) for name in (key, "side_sigma", "positive_stride"))
    levels = [stride == one for one in np.unique(stride)]
    ranks = [(spearman(sign * values[level].ravel(), of(sigma[level])), level.sum()) for level in levels]
    total = sum(count for rank, count in ranks if rank is not None)
    return float(sum(rank * count for rank, count in ranks if rank is not None) / total) if total else None


def _of_location(sigma: Array) -> Array:
    mean: Array = sigma.mean(axis=1)
    return mean
