"""Initial weights that depend on the seed and on a parameter's name alone.

Rows of a table that differ in a toggle so begin with equal weights wherever names and shapes agree, and their
difference is not that of two random draws.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gfl_bench.models.detectors.ssd.head import SSDHead

Rule = Callable[[Tensor, torch.Generator], object]


def initialise(detector: nn.Module, seed: int, score_prior: float, first_sides: float = 0.0) -> None:
    """Draw the weights of all convolutions of ``detector`` and set their biases, in place.

    The backbone follows torchvision, the neck is Xavier-uniform, the head N(0, 0.01), that of SSD Xavier-uniform too;
    biases are 0 but for the class scores', which begin at ``score_prior`` (Lin et al., 2017), and the boxes', which
    begin at ``first_sides``. Deformable convolutions begin without offsets. Norms and scales keep their ones and zeros.
    """
    biases = dict.fromkeys(_CLASS_SCORES, _logit(score_prior)) | {"head.box": first_sides}
    for name, module in detector.named_modules():
        if isinstance(module, nn.Conv2d):
            rule = next(rule for pattern, rule in _rules(detector) if re.match(pattern, name))
            rule(module.weight, _generator(seed, f"{name}.weight"))
            if module.bias is not None:
                nn.init.constant_(module.bias, biases.get(_LEVEL.sub("head.", name), 0.0))


def _kaiming(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=generator)


def _xavier(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.xavier_uniform_(weight, generator=generator)


def _zero(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.zeros_(weight)


def _small(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.normal_(weight, std=0.01, generator=generator)


_CLASS_SCORES = frozenset({
    "head.cls", "head.border_cls", "head.foreground", "head.corners.top_left.score", "head.corners.bottom_right.score",
})  # fmt: skip
_LEVEL = re.compile(r"^head\.levels\.\d+\.")  # of a head that has its own for each


def _rules(detector: nn.Module) -> tuple[tuple[str, Rule], ...]:
    """The first that fits a convolution's name counts."""
    head = _xavier if isinstance(getattr(detector, "head", None), SSDHead) else _small
    return (r".*\.conv_offset$", _zero), (r"backbone\.", _kaiming), (r"neck\.", _xavier), (r"head\.", head)


def _logit(probability: float) -> float:
    return -math.log((1 - probability) / probability)


def _generator(seed: int, name: str) -> torch.Generator:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
