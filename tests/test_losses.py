"""Losses against mmdetection's values and gradients, and the properties the paper claims of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from reference import golden
from torch import Tensor
from torch.nn import functional

from gfl_bench.models.losses import (
    distribution_focal_loss,
    focal_loss,
    gaussian_kl,
    generalized_focal_loss,
    quality_focal_loss,
    quality_focal_loss_on_probabilities,
    score_distance_loss,
)
from gfl_bench.structures import Logits, Probabilities

BETAS = (0, 0.5, 1, 1.5, 2, 2.5, 4)
PRECISIONS = {"f32": (torch.float32, 2e-6), "f64": (torch.float64, 1e-10)}


def with_gradient(loss: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    x = x.clone().requires_grad_()
    value = loss(x)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def positives(label: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Rows and labels of what is not background, whose label is ``classes``."""
    rows = (label < classes).nonzero().squeeze(1)
    return rows, label[rows]


def qfl_golden(dtype: torch.dtype, scores: str = "pred", labels: str = "label") -> tuple[Tensor, ...]:
    """Scores, and rows, labels and qualities of the positives.

    Row 11 of ``label`` holds the 2 of ``prob_label``; that its logits' losses are of class 0 shows in ``grad_beta0``,
    which is sigma - y: -0.368 = 0.015 - 0.383 at class 0, and sigma itself at class 2.
    """
    stored = {key: torch.from_numpy(value) for key, value in golden("loss_qfl").items() if value.dtype.kind in "fi"}
    stored["label"][11] = 0
    rows, label = positives(stored[labels], 8)
    return stored[scores].to(dtype), rows, label, stored["score"][rows].to(dtype)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("beta", [0, 1, 2, 2.5, 4])
def test_qfl_and_its_gradient_are_the_references(beta: float, precision: str) -> None:
    dtype, tolerance = PRECISIONS[precision]
    scores, *where = qfl_golden(dtype)
    value, gradient = with_gradient(lambda x: quality_focal_loss(Logits(x), *where, beta), scores)
    stored = golden("loss_qfl")
    for ours, key in ((value, "loss"), (gradient, "grad")):
        wanted = torch.from_numpy(stored[f"{key}_beta{beta}_{precision}"])
        torch.testing.assert_close(ours, wanted, rtol=tolerance * 5, atol=tolerance)


@pytest.mark.parametrize("beta", [1, 2])
def test_qfl_on_probabilities_and_its_gradient_are_the_references(beta: int) -> None:
    scores, *where = qfl_golden(torch.float32, "prob", "prob_label")
    value, gradient = with_gradient(
        lambda p: quality_focal_loss_on_probabilities(Probabilities(p), *where, beta), scores
    )
    stored = golden("loss_qfl")
    torch.testing.assert_close(value, torch.from_numpy(stored[f"prob_loss_beta{beta}_f32"]), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient, torch.from_numpy(stored[f"prob_grad_beta{beta}_f32"]), rtol=1e-5, atol=1e-6)


def test_weighted_qfl_divides_by_the_normaliser_as_the_reference_does() -> None:
    scores, *where = qfl_golden(torch.float32)
    stored = golden("loss_qfl")
    weight = torch.from_numpy(stored["weight"])
    value, gradient = with_gradient(
        lambda x: quality_focal_loss(Logits(x), *where, 2.0) @ weight / (7 + torch.finfo(torch.float32).eps), scores
    )
    torch.testing.assert_close(value, torch.from_numpy(stored["wmean_beta2_avg7_loss"]), rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient, torch.from_numpy(stored["wmean_beta2_avg7_grad"]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("on_probabilities", [False, True])
def test_qfl_gradient_is_that_of_finite_differences(beta: float, on_probabilities: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    rows, labels, quality = torch.tensor([1, 4]), torch.tensor([0, 2]), torch.tensor([0.9, 0.2], dtype=torch.float64)

    def loss(x: Tensor) -> Tensor:
        if on_probabilities:
            return quality_focal_loss_on_probabilities(Probabilities(x.sigmoid()), rows, labels, quality, beta)
        return quality_focal_loss(Logits(x), rows, labels, quality, beta)

    assert torch.autograd.gradcheck(loss, x.requires_grad_())


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("quality", [0.0, 0.3, 0.5, 1.0])
def test_qfl_is_least_where_the_score_equals_the_quality(beta: float, quality: float) -> None:
    scores = torch.linspace(0, 1, 2001, dtype=torch.float64)[:, None]
    rows, labels = torch.arange(2001), torch.zeros(2001, dtype=torch.int64)
    target = torch.full((2001,), quality, dtype=torch.float64)
    loss = quality_focal_loss_on_probabilities(Probabilities(scores), rows, labels, target, beta)
    assert loss.argmin() == round(quality * 2000)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("logit", [0.0, -3.0, 2.0, -200.0, 200.0])
def test_qfl_gradient_is_exactly_zero_where_the_score_equals_the_quality(beta: float, logit: float) -> None:
    x = torch.tensor([[logit]])
    where = torch.tensor([0]), torch.tensor([0]), x[0].sigmoid()
    _, by_logit = with_gradient(lambda x: quality_focal_loss(Logits(x), *where, beta), x)
    _, by_probability = with_gradient(
        lambda p: quality_focal_loss_on_probabilities(Probabilities(p), *where, beta), x.sigmoid()
    )
    assert by_logit.item() == 0
    assert by_probability.item() == 0


@pytest.mark.parametrize("beta", [0.01, 0.1, *BETAS])
def test_no_score_and_no_quality_gives_nan(beta: float) -> None:
    logit, quality = (axis.reshape(-1) for axis in torch.meshgrid(
        torch.tensor([-500.0, -100.0, -90.0, -1e-8, 0.0, 1e-8, 90.0, 500.0]), torch.tensor([0.0, 1e-38, 0.5, 1.0]),
        indexing="ij",
    ))  # fmt: skip
    where = torch.arange(len(logit)), torch.zeros(len(logit), dtype=torch.int64), quality
    for value in (
        *with_gradient(lambda x: quality_focal_loss(Logits(x), *where, beta), logit[:, None]),
        *with_gradient(
            lambda p: quality_focal_loss_on_probabilities(Probabilities(p), *where, beta), logit[:, None].sigmoid()
        ),
    ):
        assert value.isfinite().all()


def test_qfl_of_no_positive_is_that_of_negatives_alone() -> None:
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    none = torch.zeros(0, dtype=torch.int64)
    loss = quality_focal_loss(Logits(x), none, none, torch.zeros(0), 2.0)
    torch.testing.assert_close(loss, (functional.softplus(x) * x.sigmoid().square()).sum(dim=1))


@pytest.mark.parametrize("name", ["focal_g2.0_a0.25", "focal_g0.0_a0.5", "focal_g1.5_a0.4"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_focal_loss_and_its_gradient_are_the_references(name: str, precision: str) -> None:
    dtype, tolerance = PRECISIONS[precision]
    stored = golden("loss_focal_misc")
    gamma, alpha = (float(part[1:]) for part in name.split("_")[1:])
    where = positives(torch.from_numpy(stored["label"]), 6)
    value, gradient = with_gradient(
        lambda x: focal_loss(Logits(x), *where, alpha, gamma), torch.from_numpy(stored["pred"]).to(dtype)
    )
    wanted = torch.from_numpy(stored[f"{name}_loss_{precision}"]).sum(dim=1)
    torch.testing.assert_close(value, wanted, rtol=tolerance * 5, atol=tolerance)
    wanted = torch.from_numpy(stored[f"{name}_grad_{precision}"])
    torch.testing.assert_close(gradient, wanted, rtol=tolerance * 5, atol=tolerance)


@pytest.mark.parametrize("n", [7, 16])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_dfl_and_its_gradient_are_the_references(n: int, precision: str) -> None:
    dtype, tolerance = PRECISIONS[precision]
    stored = golden(f"loss_dfl_regmax{n}")
    target = torch.from_numpy(stored["label"]).to(dtype)
    value, gradient = with_gradient(
        lambda x: distribution_focal_loss(x, target), torch.from_numpy(stored["pred"]).to(dtype)
    )
    torch.testing.assert_close(value, torch.from_numpy(stored[f"loss_{precision}"]), rtol=5 * tolerance, atol=tolerance)
    wanted = torch.from_numpy(stored[f"grad_{precision}"])
    torch.testing.assert_close(gradient, wanted, rtol=5 * tolerance, atol=tolerance)


def test_dfl_refuses_a_target_without_a_bin_on_its_right() -> None:
    with pytest.raises(RuntimeError, match="out of bounds"):
        distribution_focal_loss(torch.zeros(1, 8), torch.tensor([7.0]))


@pytest.mark.parametrize("target", [0.0, 0.25, 3.0, 6.9])
def test_the_distribution_that_minimises_dfl_integrates_to_the_target(target: float) -> None:
    logits = torch.zeros(8, dtype=torch.float64, requires_grad=True)
    wanted = torch.tensor(target, dtype=torch.float64)
    optimizer = torch.optim.LBFGS([logits], max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = distribution_focal_loss(logits, wanted)
        loss.backward()
        return loss

    optimizer.step(step)
    mean = logits.detach().softmax(0) @ torch.arange(8.0, dtype=torch.float64)
    assert mean == pytest.approx(target, abs=1e-3)


@pytest.mark.parametrize("beta", BETAS)
def test_qfl_is_gfocal_between_0_and_1(beta: float) -> None:
    x = torch.linspace(-6, 6, 49, dtype=torch.float64)
    y = torch.linspace(0, 1, 49, dtype=torch.float64).flip(0)
    where = torch.arange(49), torch.zeros(49, dtype=torch.int64), y
    general = generalized_focal_loss(
        functional.logsigmoid(-x), functional.logsigmoid(x), torch.zeros_like(x), torch.ones_like(x), y, beta
    )
    torch.testing.assert_close(general, quality_focal_loss(Logits(x[:, None]), *where, beta))


@pytest.mark.parametrize("gamma", [0, 1.5, 2])
def test_focal_loss_is_gfocal_of_hard_labels(gamma: float) -> None:
    x = torch.linspace(-6, 6, 24, dtype=torch.float64)
    y = (torch.arange(24) % 2).double()
    rows = y.nonzero().squeeze(1)
    general = generalized_focal_loss(
        functional.logsigmoid(-x), functional.logsigmoid(x), torch.zeros_like(x), torch.ones_like(x), y, gamma
    )
    focal = focal_loss(Logits(x[:, None]), rows, torch.zeros_like(rows), alpha=0.5, gamma=gamma)
    torch.testing.assert_close(general, 2 * focal)


def test_dfl_is_gfocal_of_two_neighbouring_bins() -> None:
    logits = torch.randn(30, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target = torch.rand(30, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 8
    left = target.floor()
    p = functional.one_hot(left.long(), 9), functional.one_hot(left.long() + 1, 9)
    log_left, log_right = ((logits.softmax(1) * bins).sum(1).log() for bins in p)
    general = generalized_focal_loss(log_left, log_right, left, left + 1, target, beta=0)
    torch.testing.assert_close(general, distribution_focal_loss(logits, target))


@pytest.mark.parametrize(("power", "library"), [(1, functional.l1_loss), (2, functional.mse_loss)])
def test_joint_l1_and_l2_compare_all_scores_with_the_soft_target(power: int, library: Callable[..., Tensor]) -> None:
    scores = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
    target = torch.tensor([[0, 0, 0], [0, 0.7, 0], [0, 0, 0], [0.2, 0, 0]])
    rows, labels, quality = torch.tensor([1, 3]), torch.tensor([1, 0]), torch.tensor([0.7, 0.2])
    loss = score_distance_loss(Probabilities(scores), rows, labels, quality, power)
    torch.testing.assert_close(loss, library(scores, target, reduction="none").sum(dim=1))


def test_gaussian_kl_is_the_gaussian_negative_log_likelihood() -> None:
    mean, log_variance, target = torch.randn(3, 40, generator=torch.Generator().manual_seed(0))
    wanted = functional.gaussian_nll_loss(mean, target, log_variance.exp(), reduction="none")
    torch.testing.assert_close(gaussian_kl(mean, log_variance, target), wanted)


def test_smooth_gaussian_kl_grows_linearly_beyond_one_stride() -> None:
    error = torch.tensor([0.5, 1.0, 3.0, 4.0])
    loss = gaussian_kl(error, torch.zeros(4), torch.zeros(4), smooth=True)
    torch.testing.assert_close(loss, torch.tensor([0.125, 0.5, 2.5, 3.5]))
