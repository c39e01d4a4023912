"""Batch norm over the images of all processes, on CPUs too, where torch's SyncBatchNorm does not work."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from gfl_bench.engine.distributed import ALONE, World

_OTHERS = (0, 2, 3)  # the dimensions of [B, C, H, W] that are not channels


class WholeBatchNorm2d(nn.BatchNorm2d):
    """In training mean and variance are those of the whole batch; in evaluation it is torch's own."""

    world: World = ALONE

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        y, mean, variance, count = _Normalise.apply(x, self.weight, self.bias, self.eps, self.world)
        self._remember(mean, variance * (count / (count - 1)))
        normalised: Tensor = y
        return normalised

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


def share_batch_norms(detector: nn.Module, world: World) -> None:
    """Make the batch norms of ``detector`` count the images of all processes; they stay the objects that they are."""
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = WholeBatchNorm2d
            vars(module)["world"] = world


class _Normalise(torch.autograd.Function):
    """With h = (x - mean) / sigma over N values a channel, sums being over all processes:

    dL/dx = weight / sigma * (dL/dy - sum(dL/dy) / N - h * sum(dL/dy * h) / N)
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float, world: World
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        values = x.to(weight.dtype)
        own = values.new_tensor([x.numel() // x.shape[1]])
        total, count = world.sum_(torch.cat([values.sum(_OTHERS), own])).split([x.shape[1], 1])
        mean = total / count
        variance = world.sum_((values - _wide(mean)).square().sum(_OTHERS)) / count
        scale = (variance + eps).rsqrt()
        ctx.save_for_backward(x, weight, mean, scale, count)
        ctx.world = world
        ctx.mark_non_differentiable(mean, variance, count)
        y = (values - _wide(mean)) * _wide(scale * weight) + _wide(bias)
        return y.to(x.dtype), mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale, count = ctx.saved_tensors
        slope, h = grad.to(weight.dtype), (x.to(weight.dtype) - _wide(mean)) * _wide(scale)
        own = torch.stack([slope.sum(_OTHERS), (slope * h).sum(_OTHERS)])
        by_bias, by_weight = own.clone()
        mean_slope, mean_product = ctx.world.sum_(own) / count
        slope = (slope - _wide(mean_slope) - h * _wide(mean_product)) * _wide(scale * weight)
        return slope.to(x.dtype), by_weight, by_bias, None, None


def _wide(channels: Tensor) -> Tensor:
    """[C] -> [C, 1, 1]."""
    return channels[:, None, None]
