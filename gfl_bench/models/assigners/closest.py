"""The k priors of each level that lie closest to each ground truth, without measuring all of them.

Rank the columns of a level by their distance to a ground truth's centre, and the rows too. A cell in column rank i and
row rank j (from 1) has i * j - 1 other cells that are at least as close, so the k closest cells have i * j <= k. That
leaves 23 cells a level for k = 9, on lattices of any size and for centres anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from gfl_bench.models.assigners.assignment import IGNORED
from gfl_bench.structures import Instances, Priors

_LAST_RESORT = 1e16  # squared distance of an ignored prior: chosen only where a level has too few others


@dataclass
class Candidates:
    """N ground truths, T = levels * k candidates each."""

    prior: Tensor  # [N, T] int64, index into the priors of one image
    valid: Tensor  # [N, T] bool, False where a level has fewer than k cells


def closest(priors: Priors, instances: Instances, padded_sizes: Tensor, k: int) -> Candidates:
    """The k closest priors of each level, among the cells that begin inside the ground truth's own padded image.

    Args:
        padded_sizes: [B, 2] int64 (height, width) in pixels.
        k: at least 1; of priors equally far the choice is undefined, as in the reference.
    """
    heights, widths = torch.tensor(priors.level_sizes, device=priors.box.device).T
    first = (heights * widths).cumsum(0) - heights * widths
    stride, origin = priors.stride[first], priors.center[first]
    extent = (padded_sizes[instances.image, None] / stride[:, None]).ceil()  # [N, L, (rows, columns)]
    center = (instances.boxes[:, :2] + instances.boxes[:, 2:]) / 2
    column, dx = _closest_lines(center[:, None, 0] - origin[:, 0], stride, extent[..., 1].minimum(widths), k)
    row, dy = _closest_lines(center[:, None, 1] - origin[:, 1], stride, extent[..., 0].minimum(heights), k)
    i, j = _ranks(k, center.device)
    distance, chosen = (dx[..., i] + dy[..., j]).topk(k, largest=False, sorted=False)
    cell = row[..., j].gather(-1, chosen) * widths[:, None] + column[..., i].gather(-1, chosen)
    valid = distance.isfinite()
    prior = (first[:, None] + cell).masked_fill(~valid, 0)
    return Candidates(prior.flatten(1), valid.flatten(1))


def closest_of_all(priors: Priors, instances: Instances, gt_index: Tensor, k: int, usable: Tensor) -> Candidates:
    """As ``closest``, by measuring every prior, for the rare batch in which some are to be ignored.

    Args:
        gt_index: [B, P]; IGNORED priors are last resorts.
        usable: [B, P] bool; other priors are no candidates at all.
    """
    center = (instances.boxes[:, :2] + instances.boxes[:, 2:]) / 2
    distance = (priors.center - center[:, None]).square().sum(dim=-1)
    distance = distance.masked_fill((gt_index == IGNORED)[instances.image], _LAST_RESORT)
    distance = distance.masked_fill(~usable[instances.image], torch.inf)
    chosen, first = [], 0
    for level in distance.split(priors.lengths, dim=1):
        chosen.append(first + level.topk(min(k, level.shape[1]), dim=1, largest=False, sorted=False).indices)
        first += level.shape[1]
    prior = torch.cat(chosen, dim=1)
    return Candidates(prior, distance.gather(1, prior).isfinite())


def _closest_lines(offset: Tensor, stride: Tensor, count: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k lines (columns or rows) nearest a point, nearest first, and their squared distances in pixels.

    Args:
        offset: [N, L] pixels from line 0 of the level to the point.
        stride: [L] pixels between lines.
        count: [N, L] float, lines of the level; where below k the last distances are infinite.

    Returns:
        [N, L, k] int64 and [N, L, k] float32.
    """
    first = (offset / stride - k / 2).ceil().minimum(count - k).clamp(min=0)
    line = first.unsqueeze(-1) + torch.arange(k, device=offset.device)
    distance = (line * stride[:, None] - offset.unsqueeze(-1)).square()
    distance, order = distance.masked_fill(line >= count.unsqueeze(-1), torch.inf).sort(dim=-1)
    return line.gather(-1, order).long(), distance


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def _ranks(k: int, device: torch.device) -> Tensor:
    """[2, R] int64: all pairs of ranks, counted from 0, that one of the k closest cells may have."""
    pairs = [(i, j) for i in range(k) for j in range(k) if (i + 1) * (j + 1) <= k]
    return torch.tensor(pairs, device=device).T
