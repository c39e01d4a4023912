"""Varifocal loss is mmdetection's, and a joint score can be trained with it."""

from __future__ import annotations

import pytest
import torch
from detectors import CLASSES, nano, random_batch
from reference import golden
from torch import Tensor
from torch.nn import functional

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Joint, JointLoss, VarifocalConfig
from gfl_bench.models.build import build_detector
from gfl_bench.models.losses import quality_focal_loss, varifocal_loss, varifocal_loss_on_probabilities
from gfl_bench.structures import Logits, Probabilities

ROWS, LABELS = torch.tensor([1, 4, 5, 7]), torch.tensor([2, 0, 1, 1])
QUALITY = torch.tensor([0.3, 1.0, 0.0, 0.8], dtype=torch.float64)
FORMS = [(0.75, 2.0, True), (0.75, 2.0, False), (0.4, 1.5, True), (1.0, 0.0, True)]


def logits() -> Tensor:
    return torch.randn(9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)


def as_written(scores: Tensor, alpha: float, gamma: float, iou_weighted: bool) -> Tensor:
    """[R, C], Eq. 2 on dense targets as autograd sees it."""
    target = torch.zeros_like(scores).index_put((ROWS, LABELS), QUALITY)
    positive = torch.zeros_like(scores, dtype=torch.bool).index_put((ROWS, LABELS), torch.tensor(True))
    factor = torch.where(positive, target if iou_weighted else 1, alpha * scores.pow(gamma))
    return factor * functional.binary_cross_entropy(scores, target, reduction="none")


@pytest.mark.parametrize("iou_weighted", [True, False])
def test_loss_and_gradient_are_the_references(iou_weighted: bool) -> None:
    stored = {name: torch.from_numpy(array) for name, array in golden("loss_focal_misc").items()}
    rows, labels = stored["iou_target"].nonzero(as_tuple=True)
    x = stored["pred"].requires_grad_()
    loss = varifocal_loss(Logits(x), rows, labels, stored["iou_target"][rows, labels], 0.75, 2.0, iou_weighted)
    loss.sum().backward()
    key = f"varifocal_g2.0_a0.75_iw{int(iou_weighted)}"
    torch.testing.assert_close(loss, stored[f"{key}_loss"].sum(dim=1), rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(x.grad, stored[f"{key}_grad"], rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("on_probabilities", [False, True])
def test_loss_and_gradient_are_those_of_the_formula(form: tuple[float, float, bool], on_probabilities: bool) -> None:
    x, weight = logits(), torch.linspace(0, 2, 9, dtype=torch.float64)
    wanted = (as_written(x.sigmoid(), *form).sum(dim=1) * weight).sum()
    where = ROWS, LABELS, QUALITY
    found = (
        varifocal_loss_on_probabilities(Probabilities(x.sigmoid()), *where, *form, weight) if on_probabilities
        else varifocal_loss(Logits(x), *where, *form, weight)
    ).sum()  # fmt: skip
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(torch.autograd.grad(found, x), torch.autograd.grad(wanted, x))


def test_a_positive_of_quality_0_counts_for_nothing_in_its_own_class() -> None:
    x = logits()
    varifocal_loss(Logits(x), ROWS, LABELS, QUALITY, 0.75, 2.0, True).sum().backward()
    assert x.grad is not None
    assert x.grad[5, 1] == 0
    assert (x.grad[5, [0, 2]] > 0).all()


def test_negatives_alone_are_quality_focal_loss_times_alpha() -> None:
    x, nobody = logits(), torch.zeros(0, dtype=torch.int64)
    varifocal = varifocal_loss(Logits(x), nobody, nobody, QUALITY[:0], 0.75, 1.5, True)
    torch.testing.assert_close(varifocal, 0.75 * quality_focal_loss(Logits(x), nobody, nobody, QUALITY[:0], 1.5))


@pytest.mark.parametrize("guidance", ["none", "distribution"])
def test_a_joint_score_is_trained_with_it(guidance: str) -> None:
    config = nano("joint", "general_dfl", guidance)
    config.quality = Joint(loss=JointLoss.varifocal, varifocal=VarifocalConfig(0.6, 1.0, iou_weighted=False))
    detector = build_detector(config, CLASSES, seed=0)
    batch = random_batch(0, [4, 3])
    output = detector(batch.images)
    _, positives = detector.match(output, batch)
    weight = torch.full((output.cls.shape[:2].numel(),), 0.25)
    scores = Probabilities(detector.quality.score(output).flatten(0, 1))
    wanted = varifocal_loss_on_probabilities(
        scores, positives.row, positives.label, positives.iou, 0.6, 1.0, False, weight
    )
    found = detector.quality.losses(output, positives, weight)
    torch.testing.assert_close(found, {"loss_quality": wanted.sum()})


@pytest.mark.parametrize(("overrides", "said"), [
    (["quality.varifocal.gamma=1"], "set loss=varifocal"),
    (["quality.loss=varifocal", "quality.varifocal.alpha=-1"], "quality.varifocal.alpha=-1 is negative"),
    (["quality.loss=varifocal", "quality.beta=1"], "quality.beta is QFL's"),
])  # fmt: skip
def test_options_that_would_do_nothing_or_harm_are_refused(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        compose_config(["quality=joint", *overrides])
