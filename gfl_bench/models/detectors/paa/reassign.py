"""Probabilistic Anchor Assignment (Kim & Lee, 2020): of the priors that may learn a ground truth, those of low loss."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.assigners.assignment import NEGATIVE, Assignment
from gfl_bench.models.detectors.paa.mixture import fit
from gfl_bench.structures import Priors

_FEWEST = 2  # candidates that a mixture can be fitted to
_EQUAL = 1e-9  # difference of log densities that is rounding: a component of two candidates is as dense at either


def keep_low_losses(
    first: Assignment, losses: Tensor, priors: Priors, ground_truths: int, config: schema.PAA
) -> Assignment:
    """``first`` with fewer positives: those that lose their ground truth become negative.

    A ground truth's candidates are its ``topk`` positives of lowest loss on each level, whose losses are taken for a
    mixture of two normal distributions, fitted from the lowest and the highest. It keeps those that are likelier of
    the low component, up to the loss where, among these, the mixture is densest (Fig. 3 (c)); what is equal but for
    rounding, by which the reference decides, is kept. A ground truth of one candidate keeps none, as in the reference.
    All images and levels at once.

    Args:
        losses: [K] float32 of the K positives of ``first``, by image and then by prior; an infinite one never stays.
        ground_truths: N, of the batch.
    """
    gt_index = first.gt_index.flatten()
    row = (gt_index >= 0).nonzero().squeeze(1)
    group = gt_index[row] * len(priors.lengths) + priors.level[row % len(priors)]
    order, place = _ranked(group, losses, config.topk, ground_truths * len(priors.lengths))
    table = _table(losses[order], place, ground_truths, len(priors.lengths) * config.topk)
    stays = torch.cat([_low(table, config).flatten(), table.new_zeros(1, dtype=torch.bool)])[place]
    row = row[order]
    kept = gt_index[row].where(stays, NEGATIVE)
    return Assignment(gt_index.scatter(0, row, kept).reshape(first.gt_index.shape))


def _ranked(group: Tensor, losses: Tensor, count: int, groups: int) -> tuple[Tensor, Tensor]:
    """Positives [K] group by group, lowest loss first, and the place [K] of each in a table [``groups``, ``count``].

    Those that are not among the first ``count`` of their group come one place after the last.
    """
    order = losses.argsort(stable=True)
    order = order[group[order].argsort(stable=True)]
    group = group[order]
    rank = torch.arange(len(group), device=group.device) - torch.searchsorted(group, group)
    return order, (group * count + rank).masked_fill(rank >= count, groups * count)


def _table(losses: Tensor, place: Tensor, rows: int, columns: int) -> Tensor:
    """[``rows``, ``columns``] of the losses at their place, infinity where there is none."""
    table = losses.new_full((rows * columns + 1,), torch.inf).scatter(0, place, losses)
    return table[:-1].reshape(rows, columns)


def _low(table: Tensor, config: schema.PAA) -> Tensor:
    """[N, T] bool, the losses that stay of each row of ``table`` [N, T]."""
    valid = table < torch.inf
    values = table.masked_fill(~valid, 0).double()
    mixture = fit(values, valid, config.mixture)
    low, high = mixture.log_joint(values).unbind(dim=1)
    likelier_low = valid & (low >= high - _EQUAL) & (valid.sum(dim=1, keepdim=True) >= _FEWEST)
    density = mixture.log_density(values).masked_fill(~likelier_low, -torch.inf)
    densest = likelier_low & (density >= density.amax(dim=1, keepdim=True) - _EQUAL)
    return likelier_low & (values <= values.masked_fill(~densest, -torch.inf).amax(dim=1, keepdim=True))
