"""The paper's optimiser: SGD with momentum."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD

from gfl_bench.config.schema import ScheduleConfig


def build_optimizer(detector: nn.Module, schedule: ScheduleConfig) -> SGD:
    """SGD over every parameter that is not frozen.

    Weight decay acts on all of them, norms, biases and the scales of the levels included, as the reference's does.
    The implementation is left to torch (``foreach`` on a GPU): the fused one reads a gradient in the memory order of
    its parameter, and is silently wrong on a CPU where channels_last makes the two differ.
    """
    parameters = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    return SGD(parameters, lr=schedule.lr, momentum=schedule.momentum, weight_decay=schedule.weight_decay)


def set_learning_rate(optimizer: SGD, rate: float) -> None:
    """Use ``rate`` from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate
