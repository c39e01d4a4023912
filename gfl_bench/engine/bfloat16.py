"""bfloat16 convolutions on processors without units for it, where oneDNN's own take several times those of float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_UNITS = ("amx_bf16", "avx512_bf16", "avx10_2", "bf16")  # x86's instruction sets, and Arm's


def has_units(processor: Mapping[str, Any] | None = None) -> bool:
    """Whether the ``processor``, as ``torch.cpu.get_capabilities`` describes it (this one), multiplies bfloat16."""
    capabilities = torch.cpu.get_capabilities() if processor is None else processor
    return any(capabilities.get(unit, False) for unit in _UNITS)


class RoundedConvolutions(TorchFunctionMode):
    """Within it, and within CPU autocast, convolutions round their input and weight to bfloat16, compute in float32 and
    round what comes out.

    That is what units for bfloat16 do: products of such numbers are exact in float32, in which they add them up. The
    gradients are rounded in the same places.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        if func is functional.conv2d and torch.is_autocast_enabled("cpu"):
            return _rounded_conv2d(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _rounded_conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **kwargs: Any) -> Tensor:
    with torch.autocast("cpu", enabled=False):
        bias = None if bias is None else _rounded(bias)
        return functional.conv2d(_rounded(input), _rounded(weight), bias, *args, **kwargs).bfloat16()


def _rounded(x: Tensor) -> Tensor:
    return x.bfloat16().float()
