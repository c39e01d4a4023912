"""The paper's optimiser: SGD with momentum."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD

from gfl_bench.config.schema import RecipeConfig, ScheduleConfig
from gfl_bench.models.backbones.deformable import DeformableConv2d

_NORMS = (nn.BatchNorm2d, nn.GroupNorm)


def build_optimizer(detector: nn.Module, schedule: ScheduleConfig, recipe: RecipeConfig) -> SGD:
    """SGD over every parameter that is not frozen.

    Weight decay acts on all of them, norms, biases and the scales of the levels included, as the reference's does, but
    where ``recipe`` gives biases a rate and a decay of their own.
    The implementation is left to torch (``foreach`` on a GPU): the fused one reads a gradient in the memory order of
    its parameter, and is silently wrong on a CPU where channels_last makes the two differ.
    """
    biases = _biases(detector)
    own = {id(bias) for bias in biases}
    rest = [value for value in detector.parameters() if value.requires_grad and id(value) not in own]
    decay = schedule.weight_decay * recipe.bias_decay_factor
    groups = [
        {"params": rest, "factor": recipe.lr_factor},
        {"params": biases, "factor": recipe.lr_factor * recipe.bias_lr_factor, "weight_decay": decay},
    ]
    return SGD(groups, lr=schedule.lr, momentum=schedule.momentum, weight_decay=schedule.weight_decay)


def _biases(detector: nn.Module) -> list[nn.Parameter]:
    """Those that mmdetection's ``bias_lr_mult`` and ``bias_decay_mult`` mean."""
    layers = [module for module in detector.modules() if not isinstance(module, _NORMS)]
    of_offsets = {id(layer.conv_offset.bias) for layer in layers if isinstance(layer, DeformableConv2d)}
    found = [getattr(layer, "bias", None) for layer in layers]
    biases = [bias for bias in found if isinstance(bias, nn.Parameter) and id(bias) not in of_offsets]
    return [bias for bias in biases if bias.requires_grad]


def set_learning_rate(optimizer: SGD, rate: float) -> None:
    """Use ``rate``, times each group's factor, from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def clip_gradient(detector: nn.Module, recipe: RecipeConfig) -> None:
    """Scale all gradients down so that their norm is no more than the recipe's, if it has one."""
    if recipe.clip_norm is not None:
        clip_grad_norm_(detector.parameters(), recipe.clip_norm)
