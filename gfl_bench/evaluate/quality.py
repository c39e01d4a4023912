"""How well the predicted quality of a box follows its real IoU: Table 10's PCC and its kin.

Which boxes: those of all positive locations of the validation split, that is, of every prior that the detector's own
assigner gives to a ground truth, before any score threshold or NMS. One object counts as often as it has positives;
crowds have none. The real quality is the IoU of the decoded box with that ground truth.

Which predicted number, in [0, 1]:

=====================  ===================================================================================
joint                  the score at the ground truth's class; with guidance, class score times its quality
centerness_branch      the sigmoid of the centerness branch
iou_branch             the sigmoid of the IoU branch
none, centerness_guided, iou_guided
                       the class score at the ground truth's class, since NMS ranks by nothing else
=====================  ===================================================================================

``Detector.rated`` makes the pairs, ``evidence`` collects them, and this module correlates them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gfl_bench.structures import QualityPairs


def correlation(pairs: QualityPairs) -> dict[str, float | int | None]:
    """Correlation of predicted quality and IoU over K pairs.

    Returns:
        ``count`` K; ``pearson``, the paper's PCC; ``low`` and ``high``, its 95 % interval by Fisher's transformation,
        which treats the pairs as independent and is thus too narrow, since the positives of one object resemble each
        other; ``spearman``, the correlation of the ranks. Null where it is not defined: fewer than two pairs (four for
        the interval), or one of the two constant.
    """
    predicted, iou = pairs.predicted.double().numpy(), pairs.iou.double().numpy()
    count = len(predicted)
    if count < 2 or np.ptp(predicted) == 0 or np.ptp(iou) == 0:
        return {"count": count, "pearson": None, "low": None, "high": None, "spearman": None}
    return {"count": count, **_pearson(predicted, iou), "spearman": _spearman(predicted, iou)}


def _pearson(predicted: NDArray[np.float64], iou: NDArray[np.float64]) -> dict[str, float | None]:
    from scipy.stats import pearsonr  # half a second to import

    result = pearsonr(predicted, iou)
    if len(predicted) < 4:
        return {"pearson": float(result.statistic), "low": None, "high": None}
    interval = result.confidence_interval(0.95)
    return {"pearson": float(result.statistic), "low": float(interval.low), "high": float(interval.high)}


def _spearman(predicted: NDArray[np.float64], iou: NDArray[np.float64]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(predicted, iou).statistic)
