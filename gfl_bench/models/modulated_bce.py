"""Binary cross-entropy times |y - sigma|^beta, with its gradient written down.

All but a few of the R x C targets are 0. Autograd would keep half a dozen [R, C] tensors for them; here the forward
pass computes the gradient beside the loss, and keeps that alone. With m = |s - y|^beta and s the probability:

    d/dx (m * BCE) = m * dBCE/dx + beta * (m * BCE) / (s - y) * ds/dx,    taken as 0 where s = y
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

_LossAndSlope = tuple[Tensor, Tensor]
_Positives = Callable[[Tensor, Tensor, float], _LossAndSlope]  # of x, y and beta
_MAX_EXPONENT = 40.0  # beyond, log(1 + e^x) is x and sigmoid(x) is 1 to the last digit, in float64 too
_BLOCK = 2**17  # entries: 512 KiB of float32
_MIN_LOG = -100.0  # floor of a logarithm in cross-entropy, torch's own
_MIN_VARIANCE = 1e-12  # floor of p (1 - p) in its gradient, torch's own


def modulated_bce(
    logits: Tensor, rows: Tensor, labels: Tensor, quality: Tensor, beta: float,
    weight: Tensor | None = None, positive_weight: float = 1.0, negative_weight: float = 1.0,
) -> Tensor:  # fmt: skip
    """Sum over classes of weight * |y - sigma|^beta * BCE, sigma = sigmoid(logits); y = ``quality`` at (rows, labels).

    Args:
        logits: [R, C].
        rows, labels: [K] int64, no row twice.
        quality: [K], a constant.
        weight: [R] of each row, a constant; None is 1.
        positive_weight, negative_weight: of the entries (rows, labels), and of all other entries.

    Returns:
        [R].
    """
    weights = positive_weight, negative_weight
    total: Tensor = _ModulatedBCE.apply(
        logits, rows, labels, quality, beta, weight, weights, _negative_logits, _logits
    )
    return total


def modulated_bce_on_probabilities(
    probabilities: Tensor, rows: Tensor, labels: Tensor, quality: Tensor, beta: float, weight: Tensor | None = None
) -> Tensor:
    """``modulated_bce`` of sigma = ``probabilities`` [R, C], which may be exactly 0 or 1."""
    total: Tensor = _ModulatedBCE.apply(
        probabilities, rows, labels, quality, beta, weight, (1.0, 1.0), _negative_probabilities, _probabilities
    )
    return total


def varifocal_bce(
    logits: Tensor, rows: Tensor, labels: Tensor, quality: Tensor, alpha: float, gamma: float, iou_weighted: bool,
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """As ``modulated_bce`` of beta ``gamma`` and weight ``alpha``, but at (rows, labels) y * BCE, or BCE alone."""
    positives = _unmodulated(_logits, iou_weighted)
    total: Tensor = _ModulatedBCE.apply(
        logits, rows, labels, quality, gamma, weight, (1.0, alpha), _negative_logits, positives
    )
    return total


def varifocal_bce_on_probabilities(
    probabilities: Tensor, rows: Tensor, labels: Tensor, quality: Tensor, alpha: float, gamma: float,
    iou_weighted: bool, weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``varifocal_bce`` of sigma = ``probabilities`` [R, C], which may be exactly 0 or 1."""
    positives = _unmodulated(_probabilities, iou_weighted)
    total: Tensor = _ModulatedBCE.apply(
        probabilities, rows, labels, quality, gamma, weight, (1.0, alpha), _negative_probabilities, positives
    )
    return total


class _ModulatedBCE(torch.autograd.Function):
    """``negatives`` and ``positives`` give loss and slope of an entry, in the space of ``scores``."""

    @staticmethod
    def forward(
        ctx: Any, scores: Tensor, rows: Tensor, labels: Tensor, quality: Tensor, beta: float, weight: Tensor | None,
        weights: tuple[float, float],
        negatives: Callable[[Tensor, float], _LossAndSlope], positives: _Positives,
    ) -> Tensor:  # fmt: skip
        positive_weight, negative_weight = weights
        weight = scores.new_ones(len(scores)) if weight is None else weight.to(scores.dtype)
        loss, slope = _all_negative(scores, beta, weight * negative_weight, negatives)
        entries, _ = negatives(scores[rows], beta)
        of_positives = torch.arange(len(rows), device=scores.device), labels
        positive_loss, positive_slope = positives(scores[rows, labels], quality.to(scores.dtype), beta)
        entries = entries.mul_(negative_weight).index_put_(of_positives, positive_loss * positive_weight)
        loss[rows] = entries.sum(dim=-1) * weight[rows]
        slope[rows, labels] = positive_slope * positive_weight * weight[rows]
        ctx.save_for_backward(slope)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        scaled = slope if _is_one(grad) else slope * grad.unsqueeze(-1)
        return scaled, None, None, None, None, None, None, None, None


def _is_one(grad: Tensor) -> bool:
    """Whether the rows were just summed up, seen on a CPU alone, where looking costs nothing."""
    return grad.device.type == "cpu" and grad.stride() == (0,) and grad.numel() > 0 and grad[0].item() == 1


def _all_negative(
    scores: Tensor, beta: float, weight: Tensor, negatives: Callable[[Tensor, float], _LossAndSlope]
) -> _LossAndSlope:
    """Loss [R] of each row and slope [R, C] of each entry as if there were no positives, times ``weight`` [R].

    A CPU goes block by block, so that intermediate results stay in its cache: twice as fast, and no [R, C] memory but
    the slope's.
    """
    rows = max(1, _BLOCK // scores.shape[1]) if scores.device.type == "cpu" else len(scores)
    loss, slope = scores.new_empty(len(scores)), torch.empty_like(scores)
    blocks = zip(*(whole.split(rows) for whole in (scores, weight, loss, slope)), strict=True)
    for x, x_weight, row_loss, x_slope in blocks:
        entry_loss, entry_slope = negatives(x, beta)
        torch.sum(entry_loss, dim=-1, out=row_loss)
        torch.mul(entry_slope, x_weight.unsqueeze(-1), out=x_slope)
    return loss.mul_(weight), slope


def _negative_logits(x: Tensor, beta: float) -> _LossAndSlope:
    """With y = 0, BCE is log(1 + e^x) and the slope s^beta * (s + beta * (1 - s) * BCE); both share the exponential."""
    exponential = x.clamp(max=_MAX_EXPONENT).exp_()
    bce = exponential.log1p().maximum(x)
    sigma = exponential.div_(1 + exponential)
    factor = sigma.pow(beta)
    loss = bce * factor
    slope = sigma.add_(bce.addcmul_(bce, sigma, value=-1), alpha=beta).mul_(factor)
    return loss, slope


def _logits(x: Tensor, y: Tensor, beta: float) -> _LossAndSlope:
    sigma = x.sigmoid()
    bce = functional.binary_cross_entropy_with_logits(x, y, reduction="none")
    return _product_rule(sigma - y, bce, sigma - y, sigma * (1 - sigma), beta)


def _negative_probabilities(p: Tensor, beta: float) -> _LossAndSlope:
    """With y = 0, BCE is -log(1 - p) and the slope p^beta / (1 - p) + beta * p^beta * BCE / p."""
    bce = torch.log1p(-p).clamp_(min=_MIN_LOG).neg_()
    factor = p.pow(beta)
    loss = bce * factor
    slope = (1 - p).clamp_(min=_MIN_VARIANCE).reciprocal_().mul_(factor).add_(loss / p, alpha=beta)
    return loss, slope.masked_fill_(p == 0, 0)


def _probabilities(p: Tensor, y: Tensor, beta: float) -> _LossAndSlope:
    # torch's own would raise an error at a NaN, on a GPU one that ends the process; a loss that is NaN is a result here
    bce = -torch.lerp(torch.log1p(-p).clamp_(min=_MIN_LOG), p.log().clamp_(min=_MIN_LOG), y)
    bce_slope = (p - y) / (p * (1 - p)).clamp(min=_MIN_VARIANCE)
    return _product_rule(p - y, bce, bce_slope, torch.ones_like(p), beta)


def _unmodulated(positives: _Positives, by_target: bool) -> _Positives:
    """Entries of ``positives`` without the factor |y - sigma|^beta, times y if ``by_target``."""

    def entries(x: Tensor, y: Tensor, beta: float) -> _LossAndSlope:
        loss, slope = positives(x, y, 0.0)
        return (y * loss, y * slope) if by_target else (loss, slope)

    return entries


def _product_rule(error: Tensor, bce: Tensor, bce_slope: Tensor, sigma_slope: Tensor, beta: float) -> _LossAndSlope:
    factor = error.abs().pow(beta)
    loss = factor * bce
    slope = factor * bce_slope + beta * (loss / error) * sigma_slope
    return loss, slope.masked_fill(error == 0, 0)
