"""The losses of the paper as pure functions.

Letters: R locations (of all images), C classes, K positives, n intervals of a distribution. Classification losses
take every location and, of the positives, only ``rows``, ``labels`` and ``quality``; they return one loss a location,
summed over its classes, times the location's weight if one is given.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.models.modulated_bce import (
    modulated_bce,
    modulated_bce_on_probabilities,
    varifocal_bce,
    varifocal_bce_on_probabilities,
)
from gfl_bench.structures import Logits, Probabilities


def quality_focal_loss(
    logits: Logits, rows: Tensor, labels: Tensor, quality: Tensor, beta: float, weight: Tensor | None = None
) -> Tensor:
    """QFL (Eq. 9): |y - sigma|^beta * BCE(sigma, y), with y the quality at a positive's class and 0 elsewhere.

    The modulating factor is differentiated too. At sigma = y the gradient is 0 for every beta: for 0 < beta <= 1 the
    loss has a kink or a cusp there, of which 0 is the subgradient taken. beta = 0 is binary cross-entropy.

    Args:
        logits: [R, C] before the sigmoid.
        rows: [K] int64, the locations that are positive, each once.
        labels: [K] int64, their classes in 0..C-1.
        quality: [K] in [0, 1], their IoU; a constant, no gradient flows into it.
        beta: focusing power, any number >= 0.
        weight: [R], a constant; None is 1. Given here rather than applied to the result, it costs no pass over [R, C].

    Returns:
        [R], the loss of each location summed over the classes.
    """
    return modulated_bce(logits, rows, labels, quality, beta, weight)


def quality_focal_loss_on_probabilities(
    probabilities: Probabilities, rows: Tensor, labels: Tensor, quality: Tensor, beta: float,
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``quality_focal_loss`` of scores that are probabilities already, as GFLv2's joint score is (Eq. 7).

    Logarithms are floored at -100, as in ``torch.nn.functional.binary_cross_entropy``, so that 0 and 1 are allowed.
    """
    return modulated_bce_on_probabilities(probabilities, rows, labels, quality, beta, weight)


def focal_loss(
    logits: Logits, rows: Tensor, labels: Tensor, alpha: float, gamma: float, weight: Tensor | None = None
) -> Tensor:
    """Focal loss (Lin et al., 2017; Eq. 12): QFL of quality 1, alpha weighting positives and 1 - alpha all else.

    Args and returns as ``quality_focal_loss``.
    """
    quality = torch.ones_like(labels, dtype=logits.dtype)
    return modulated_bce(logits, rows, labels, quality, gamma, weight, positive_weight=alpha, negative_weight=1 - alpha)


def varifocal_loss(
    logits: Logits, rows: Tensor, labels: Tensor, quality: Tensor, alpha: float, gamma: float, iou_weighted: bool,
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Varifocal loss (Zhang et al., 2021; Eq. 2): y * BCE(sigma, y) at a positive's class, and everywhere else
    alpha * sigma^gamma * BCE(sigma, 0); so a positive of quality 0 counts as nothing.

    Args:
        gamma: focusing power, any number >= 0.
        iou_weighted: without it positives of every quality weigh 1.

    Other args and returns as ``quality_focal_loss``.
    """
    return varifocal_bce(logits, rows, labels, quality, alpha, gamma, iou_weighted, weight)


def varifocal_loss_on_probabilities(
    probabilities: Probabilities, rows: Tensor, labels: Tensor, quality: Tensor, alpha: float, gamma: float,
    iou_weighted: bool, weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``varifocal_loss`` of scores that are probabilities already; logarithms are floored at -100."""
    return varifocal_bce_on_probabilities(probabilities, rows, labels, quality, alpha, gamma, iou_weighted, weight)


def score_distance_loss(
    scores: Probabilities, rows: Tensor, labels: Tensor, quality: Tensor, power: int, weight: Tensor | None = None
) -> Tensor:
    """|y - sigma|^power, the joint losses L1 (power 1) and L2 (power 2) of Table 4.

    Args and returns as ``quality_focal_loss_on_probabilities``.
    """
    target = torch.zeros_like(scores).index_put((rows, labels), quality.to(scores.dtype))
    loss = (scores - target).abs().pow(power).sum(dim=-1)
    return loss if weight is None else loss * weight


def distribution_focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """DFL (Eq. 10): cross-entropy with the two bins that enclose the target, weighted by nearness.

    Args:
        logits: [..., n + 1], bin i standing for the value i.
        target: [...] in bins, 0 <= target < n.

    Returns:
        [...]; its minimiser integrates to the target.

    Raises:
        RuntimeError: if a target is negative, or n or more.
    """
    left = target.floor()
    bins = torch.stack([left, left + 1], dim=-1).long()
    log_p = logits.log_softmax(dim=-1).gather(-1, bins)
    return generalized_focal_loss(log_p[..., 0], log_p[..., 1], left, left + 1, target, beta=0)


def generalized_focal_loss(
    log_p_left: Tensor, log_p_right: Tensor, left: Tensor, right: Tensor, target: Tensor, beta: float
) -> Tensor:
    """GFocal (Eq. 11): two values share between them the probability of a continuous target.

    -|y - (y_l p_l + y_r p_r)|^beta * ((y_r - y) log p_l + (y - y_l) log p_r)

    FL is y_l = 0, y_r = 1, y in {0, 1} (Eq. 12), QFL the same with y in [0, 1] (Eq. 13), DFL y_r = y_l + 1 and
    beta = 0 (Eq. 14). It takes log p rather than p, so that no small probability is rounded away.

    Args:
        log_p_left, log_p_right: [...] log p_l and log p_r, natural logarithms.
        left, right, target: [...] y_l <= y <= y_r.
        beta: any number >= 0.
    """
    cross_entropy = (target - right) * log_p_left + (left - target) * log_p_right
    if beta == 0:
        return cross_entropy
    estimate = left * log_p_left.exp() + right * log_p_right.exp()
    return (target - estimate).abs().pow(beta) * cross_entropy


def gaussian_kl(mean: Tensor, log_variance: Tensor, target: Tensor, smooth: bool = False) -> Tensor:
    """Edge loss of a Gaussian (Table 1; He et al., 2019): (x - y)^2 / (2 s^2) + log(s^2) / 2.

    It is the KL divergence from a Dirac delta at the target, up to a constant.

    Args:
        mean, log_variance, target: [...] x, log s^2 and y in one unit (strides).
        smooth: the squared error becomes linear beyond 1, as in smooth L1.

    Returns:
        [...], negative where a small variance is right.
    """
    error = functional.smooth_l1_loss(mean, target, reduction="none") if smooth else (mean - target).square() / 2
    return error * (-log_variance).exp() + log_variance / 2
