"""The size of a detector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


def count_flops(detector: nn.Module, images: Tensor) -> int:
    """Floating point operations of the forward pass over ``images`` [B, 3, H, W].

    As torch counts: convolutions and matrix products only, a multiplication and an addition are two. Published figures
    of detectors mostly take the two for one, and are half of this.
    """
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        detector.eval()(images)
    return int(counter.get_total_flops())


def count_parameters(detector: nn.Module) -> int:
    """Numbers in all parameters, frozen ones included, buffers not."""
    return sum(parameter.numel() for parameter in detector.parameters())
