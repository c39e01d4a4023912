"""Initial weights that depend on the seed and on a parameter's name alone.

Rows of a table that differ in a toggle so begin with equal weights wherever names and shapes agree, and their
difference is not that of two random draws.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

Rule = Callable[[Tensor, torch.Generator], object]


def initialise(detector: nn.Module, seed: int, score_prior: float) -> None:
    """Draw the weights of all convolutions of ``detector`` and set their biases, in place.

    The backbone follows torchvision, the neck is Xavier-uniform, the head N(0, 0.01); biases are 0 but for the class
    scores', which begin at ``score_prior`` (Lin et al., 2017). Norms and scales keep their ones and zeros.
    """
    for name, module in detector.named_modules():
        if isinstance(module, nn.Conv2d):
            _RULES[name.split(".")[0]](module.weight, _generator(seed, f"{name}.weight"))
            if module.bias is not None:
                nn.init.constant_(module.bias, _logit(score_prior) if name == "head.cls" else 0.0)


def _kaiming(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=generator)


def _xavier(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.xavier_uniform_(weight, generator=generator)


def _small(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.normal_(weight, std=0.01, generator=generator)


_RULES: dict[str, Rule] = {"backbone": _kaiming, "neck": _xavier, "head": _small}


def _logit(probability: float) -> float:
    return -math.log((1 - probability) / probability)


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
