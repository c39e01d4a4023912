"""PAA's second phase against a loop over ground truths."""

from __future__ import annotations

import pytest
import torch
from test_mixture import sklearns
from torch import Tensor

from gfl_bench.config import schema
from gfl_bench.models.assigners.assignment import IGNORED, NEGATIVE, Assignment
from gfl_bench.models.detectors.paa.reassign import keep_low_losses
from gfl_bench.structures import Priors

LEVELS = [40, 12, 4]  # priors of each level; only their number and level matter to the second phase
PRIORS = Priors(
    torch.zeros(56, 2), torch.ones(56), torch.zeros(56, 4), torch.arange(3).repeat_interleave(torch.tensor(LEVELS)),
    [(1, length) for length in LEVELS], LEVELS,
)  # fmt: skip


def first_phase(seed: int, gts: int, images: int = 2) -> tuple[Assignment, Tensor]:
    """A random first phase, ground truths 0, 2, 4, ... in the first image, and a loss for each of its positives."""
    generator = torch.Generator().manual_seed(seed)
    gt = torch.randint(-1, gts // images, (images, 56), generator=generator)
    gt_index = torch.where(gt < 0, NEGATIVE, gt * images + torch.arange(images)[:, None])
    gt_index[:, ::11] = IGNORED
    count = int((gt_index >= 0).sum())
    return Assignment(gt_index), torch.rand(count, generator=generator).square() * 3 + 0.3


def plain_second_phase(first: Assignment, losses: Tensor, config: schema.PAA) -> Tensor:
    gt_index = first.gt_index.flatten()
    row = (gt_index >= 0).nonzero().squeeze(1)
    result = gt_index.clone()
    result[row] = NEGATIVE
    for gt in gt_index[row].unique():
        mine = (gt_index[row] == gt).nonzero().squeeze(1)
        level = PRIORS.level[row[mine] % len(PRIORS)]
        chosen = torch.cat([mine[level == number][losses[mine[level == number]].argsort()[: config.topk]]
                            for number in range(len(LEVELS))])  # fmt: skip
        if len(chosen) < 2:
            continue
        chosen = chosen[losses[chosen].argsort()]
        values = losses[chosen].double()
        mixture = sklearns(values, config.mixture)
        low = chosen[torch.from_numpy(mixture.predict(values[:, None].numpy())) == 0]
        density = mixture.score_samples(losses[low].double()[:, None].numpy())
        densest = (density >= density.max() - 1e-9).nonzero()[0].max()
        result[row[low[: densest + 1]]] = gt
    return result.reshape(first.gt_index.shape)


@pytest.mark.parametrize(("gts", "topk"), [(4, 9), (12, 9), (60, 9), (6, 2)])
def test_the_second_phase_is_that_of_each_ground_truth_alone(gts: int, topk: int) -> None:
    config = schema.PAA(topk=topk)
    for seed in range(5):
        first, losses = first_phase(seed, gts)
        found = keep_low_losses(first, losses, PRIORS, gts, config).gt_index
        assert torch.equal(found, plain_second_phase(first, losses, config))
        assert 0 < (found >= 0).sum() < len(losses)
        assert torch.equal(found == IGNORED, first.gt_index == IGNORED)


def test_a_ground_truth_of_one_candidate_or_of_none_keeps_none() -> None:
    gt_index = torch.full((1, 56), NEGATIVE)
    gt_index[0, 3], gt_index[0, 10:14] = 0, 1
    losses = torch.tensor([0.1, 0.5, 0.6, 2.0, 2.1])
    found = keep_low_losses(Assignment(gt_index), losses, PRIORS, 3, schema.PAA()).gt_index[0]
    assert found[3] == NEGATIVE and found[10] == 1 and (found[12:14] == NEGATIVE).all()
    nothing = Assignment(torch.full((2, 56), NEGATIVE))
    for gts in (0, 3):
        found = keep_low_losses(nothing, torch.zeros(0), PRIORS, gts, schema.PAA()).gt_index
        assert torch.equal(found, nothing.gt_index)


def test_of_candidates_that_rounding_alone_tells_apart_both_are_kept() -> None:
    gt_index = torch.full((1, 56), NEGATIVE)
    gt_index[0, [5, 6, 7]] = 0  # the low component is two candidates, as likely one as the other
    gt_index[0, [20, 21]] = 1  # the two components are one
    losses = torch.tensor([0.3017442226, 0.3127462268, 1.8998589516, 0.3000179231, 0.3004985452])
    found = keep_low_losses(Assignment(gt_index), losses, PRIORS, 2, schema.PAA()).gt_index
    assert found[0, [5, 6, 7, 20, 21]].tolist() == [0, 0, NEGATIVE, 1, 1]


def test_a_loss_that_is_not_finite_is_no_candidate() -> None:
    first, losses = first_phase(0, 4)
    losses[::7] = torch.tensor([torch.inf, torch.nan]).repeat(len(losses))[: len(losses[::7])]
    kept = keep_low_losses(first, losses, PRIORS, 4, schema.PAA()).gt_index[first.gt_index >= 0] >= 0
    assert kept.any() and losses[kept].isfinite().all()
