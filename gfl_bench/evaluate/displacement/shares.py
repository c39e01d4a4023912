"""How many of the displaced pairs of a split are displaced by the quality alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NORMAL_95 = 1.96


def shares(counts: NDArray[np.int64]) -> dict[str, float | int | None]:
    """Of counts [I, 3]: sums, and the share of those by quality in percent with its interval (images are drawn)."""
    displaced, by_quality, by_class = (int(total) for total in counts.sum(axis=0))
    share = by_quality / displaced if displaced else None
    half = None
    if share is not None and len(counts) > 1:  # a ratio of sums: Cochran, Sampling Techniques, Section 6.4
        residual = counts[:, 1] - share * counts[:, 0]
        half = _NORMAL_95 * float(np.sqrt(len(counts) / (len(counts) - 1) * np.square(residual).sum())) / displaced
    return {
        "displaced": displaced, "by_quality": by_quality, "by_class": by_class, "share": _percent(share),
        "low": None if share is None or half is None else _percent(max(0, share - half)),
        "high": None if share is None or half is None else _percent(min(1, share + half)),
    }  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
