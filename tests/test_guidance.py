"""The Distribution-Guided Quality Predictor."""

from __future__ import annotations

import pytest
import torch
from detectors import nano

from gfl_bench.config.schema import DistributionGuidance as Config
from gfl_bench.models.build import build_detector
from gfl_bench.models.guidance import GUIDANCES, DistributionGuidance, topkm


def some_logits() -> torch.Tensor:
    return torch.randn(2, 15, 4, 17, generator=torch.Generator().manual_seed(0)) * 3


def test_topkm_gives_the_largest_probabilities_and_their_mean() -> None:
    p = torch.tensor([0.1, 0.4, 0.0, 0.3, 0.2])
    torch.testing.assert_close(topkm(p, 3), torch.tensor([0.4, 0.3, 0.2, 0.3]))


def test_quality_ignores_where_along_its_range_a_distribution_lies() -> None:
    guidance = DistributionGuidance(Config(k=4, d=8))
    raw = torch.full((2, 15, 4, 17), -30.0)
    raw[..., 2:7] = some_logits()[..., :5]
    torch.testing.assert_close(guidance(raw.roll(6, dims=-1)), guidance(raw))


def test_quality_ignores_a_constant_added_to_the_logits() -> None:
    guidance = DistributionGuidance(Config(k=4, d=8))
    torch.testing.assert_close(guidance(some_logits() + 3), guidance(some_logits()))


def test_quality_is_one_probability_a_location_and_its_gradient_reaches_the_distribution() -> None:
    raw = some_logits().requires_grad_()
    quality = DistributionGuidance(Config(k=4, d=8))(raw)
    assert quality.shape == (2, 15, 1)
    assert ((quality > 0) & (quality < 1)).all()
    (gradient,) = torch.autograd.grad(quality.sum(), raw)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize(("k", "d"), [(1, 64), (4, 64), (8, 16)])
def test_the_layers_have_the_paper_s_sizes(k: int, d: int) -> None:
    parameters = sum(p.numel() for p in DistributionGuidance(Config(k=k, d=d)).parameters())
    assert parameters == 4 * (k + 1) * d + d + d + 1


def test_k_0_is_the_detector_without_guidance() -> None:
    config = nano("joint", "general_dfl", "none")
    plain = build_detector(config, 3, seed=0)
    config.guidance = Config(k=0)
    assert GUIDANCES["distribution"](Config(k=0), 32) is None
    assert build_detector(config, 3, seed=0).state_dict().keys() == plain.state_dict().keys()
