"""Mixtures of two normal distributions against scikit-learn, one set of numbers after the other."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from torch import Tensor

from gfl_bench.config.schema import MixtureConfig
from gfl_bench.models.detectors.paa.mixture import Mixture, fit

SLOTS = 45  # nine priors on each of five levels


def candidate_losses(seed: int, sets: int) -> tuple[Tensor, Tensor]:
    """Losses of 2 to 45 candidates of each of ``sets`` ground truths at random slots: low ones and high ones."""
    generator = np.random.default_rng(seed)
    values, valid = torch.zeros(sets, SLOTS, dtype=torch.float64), torch.zeros(sets, SLOTS, dtype=torch.bool)
    for number in range(sets):
        count = int(generator.integers(2, SLOTS + 1))
        low = int(generator.integers(0, count + 1))
        losses = np.concatenate([
            generator.normal(generator.uniform(0.5, 2), generator.uniform(0.01, 0.4), low),
            generator.normal(generator.uniform(1, 4), generator.uniform(0.01, 1), count - low),
        ])
        slots = torch.from_numpy(generator.permutation(SLOTS)[:count])
        values[number, slots], valid[number, slots] = torch.from_numpy(losses), True
    return values, valid


def sklearns(values: Tensor, config: MixtureConfig) -> GaussianMixture:
    """scikit-learn's mixture of ``values`` [T], begun as mmdetection's PAA head does."""
    mixture = GaussianMixture(
        2, covariance_type="diag", tol=config.tolerance, max_iter=config.iterations, reg_covar=config.variance_floor,
        weights_init=[0.5, 0.5], means_init=[[values.min()], [values.max()]], precisions_init=[[1.0], [1.0]],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(values[:, None].numpy())


@pytest.mark.parametrize("config", [
    MixtureConfig(), MixtureConfig(iterations=1), MixtureConfig(tolerance=1e-6, variance_floor=1e-3),
], ids=["published", "one step", "other numbers"])  # fmt: skip
def test_every_set_gets_the_mixture_that_scikit_learn_fits_to_it_alone(config: MixtureConfig) -> None:
    values, valid = candidate_losses(0, 60)
    mixture = fit(values, valid, config)
    component, log_density = mixture.log_joint(values).argmax(dim=1), mixture.log_density(values)
    for number, row in enumerate(valid):
        numbers = values[number, row]
        theirs = sklearns(numbers, config)
        for ours, wanted in ((mixture.weight, theirs.weights_), (mixture.mean, theirs.means_),
                             (mixture.variance, theirs.covariances_)):  # fmt: skip
            np.testing.assert_allclose(ours[number], wanted.reshape(2), rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(component[number, row], theirs.predict(numbers[:, None].numpy()))
        wanted = theirs.score_samples(numbers[:, None].numpy())
        np.testing.assert_allclose(log_density[number, row], wanted, rtol=1e-6, atol=1e-6)


def test_neither_other_sets_nor_order_nor_empty_slots_change_a_mixture() -> None:
    values, valid = candidate_losses(1, 40)
    whole = fit(values, valid, MixtureConfig())
    alone = [fit(row[mask].flip(0)[None], torch.ones(1, int(mask.sum()), dtype=torch.bool), MixtureConfig())
             for row, mask in zip(values, valid, strict=True)]  # fmt: skip
    for part in ("weight", "mean", "variance"):
        wanted = torch.cat([getattr(mixture, part) for mixture in alone])
        torch.testing.assert_close(getattr(whole, part), wanted, rtol=1e-9, atol=1e-9)


def test_what_is_written_in_empty_slots_does_not_matter() -> None:
    values, valid = candidate_losses(2, 40)
    one, other = (fit(values.masked_fill(~valid, filler), valid, MixtureConfig()) for filler in (0, 1e4))
    torch.testing.assert_close(one.mean, other.mean, rtol=1e-9, atol=1e-9)


def test_two_clusters_are_found() -> None:
    generator = torch.Generator().manual_seed(0)
    low, high = 1 + 0.1 * torch.randn(30, generator=generator), 4 + 0.3 * torch.randn(10, generator=generator)
    mixture = fit(torch.cat([low, high])[None], torch.ones(1, 40, dtype=torch.bool), MixtureConfig())
    for found, wanted in ((mixture.weight, [0.75, 0.25]), (mixture.mean, [1, 4]), (mixture.variance, [0.01, 0.09])):
        assert found[0].tolist() == pytest.approx(wanted, rel=0.5, abs=0)
    assert mixture.log_joint(torch.tensor([[1.2, 3.5]])).argmax(dim=1).tolist() == [[0, 1]]


@pytest.mark.parametrize("numbers", [[], [1.5], [2.0, 2.0, 2.0], [1.0, 1e6], [3.0, 3.0 + 1e-9]])
def test_degenerate_sets_have_finite_mixtures(numbers: list[float]) -> None:
    values, valid = torch.zeros(1, 4), torch.arange(4)[None] < len(numbers)
    values[0, : len(numbers)] = torch.tensor(numbers)
    mixture = fit(values, valid, MixtureConfig())
    assert isinstance(mixture, Mixture)
    assert (mixture.variance >= 1e-6).all() and (mixture.weight > 0).all()
    assert mixture.log_density(values.double())[valid].isfinite().all()


def test_no_sets_have_no_mixtures() -> None:
    assert fit(torch.zeros(0, 45), torch.zeros(0, 45, dtype=torch.bool), MixtureConfig()).mean.shape == (0, 2)
