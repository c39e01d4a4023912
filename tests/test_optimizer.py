"""The optimiser: what it trains, at which rates, and how large a gradient may be."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import RecipeConfig, ScheduleConfig
from gfl_bench.engine.optimizer import build_optimizer, clip_gradient, set_learning_rate
from gfl_bench.models.backbones.deformable import DeformableConv2d

PAPER = ScheduleConfig(name="1x")
FCOS = RecipeConfig(bias_lr_factor=2, bias_decay_factor=0)


def test_it_leaves_frozen_parameters_out_and_decays_all_others() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.GroupNorm(1, 2))
    network[0].weight.requires_grad_(False)
    groups = build_optimizer(network, PAPER, RecipeConfig()).param_groups
    held = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}
    assert held == {id(value): 1e-4 for value in (network[0].bias, network[1].weight, network[1].bias)}


def test_the_rate_is_that_of_the_next_step() -> None:
    network = nn.Linear(1, 1, bias=False)
    plain = ScheduleConfig(name="plain", momentum=0.0, weight_decay=0.0)
    optimizer = build_optimizer(network, plain, RecipeConfig(lr_factor=0.5))
    before = network.weight.item()
    network.weight.grad = torch.ones_like(network.weight)
    set_learning_rate(optimizer, 0.25)
    optimizer.step()
    assert network.weight.item() == pytest.approx(before - 0.125)


def test_a_recipe_s_bias_factors_mean_neither_norms_nor_offsets_of_deformable_convolutions() -> None:
    network = nn.Sequential(nn.Conv2d(2, 2, 3), nn.GroupNorm(1, 2), DeformableConv2d(2, 2))
    optimizer = build_optimizer(network, PAPER, FCOS)
    set_learning_rate(optimizer, 0.01)
    of = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    rates = {name: (of[id(value)]["lr"], of[id(value)]["weight_decay"]) for name, value in network.named_parameters()}
    assert len(rates) == 7
    assert {name: rate for name, rate in rates.items() if rate != (0.01, 1e-4)} == {"0.bias": (0.02, 0)}


def test_a_gradient_is_scaled_to_the_norm_that_it_may_have_and_a_smaller_one_is_left_alone() -> None:
    network = nn.Linear(3, 4)
    for parameter, value in zip(network.parameters(), (3.0, 4.0), strict=True):
        parameter.grad = torch.full_like(parameter, value)
    norm = (12 * 3.0**2 + 4 * 4.0**2) ** 0.5
    for limit, factor in ((None, 1.0), (norm * 1.01, 1.0), (norm / 2, 0.5)):
        clip_gradient(network, RecipeConfig(clip_norm=limit))
        torch.testing.assert_close(network.weight.grad, torch.full((4, 3), 3.0 * factor), atol=1e-5, rtol=0)
        torch.testing.assert_close(network.bias.grad, torch.full((4,), 4.0 * factor), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("detector", "recipe"),
    [("atss", RecipeConfig()), ("fcos", FCOS), ("ssd512 neck=ssd backbone=vgg16", RecipeConfig(lr_factor=0.2))],
)
def test_published_recipes_hold_on_coco_and_short_scales_clip(detector: str, recipe: RecipeConfig) -> None:
    parts = [f"detector={detector.split()[0]}", *detector.split()[1:], "quality=none", "box=dirac", "guidance=none"]
    assert compose_config([*parts, "scale=paper"]).detector.recipe == recipe
    assert compose_config([*parts, "scale=demo"]).detector.recipe.clip_norm == 5


@pytest.mark.parametrize("option", ["lr_factor", "bias_lr_factor", "clip_norm"])
def test_a_factor_or_norm_of_nothing_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=rf"detector\.recipe\.{option}=0 must be above 0"):
        compose_config([f"detector.recipe.{option}=0"])
