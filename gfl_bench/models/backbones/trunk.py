"""What backbones with batch norm share: stages that learn nothing, and norms that keep their statistics."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Self

from torch import nn


class Trunk(nn.Module):
    """Frozen parts learn nothing, and their batch norms keep the running statistics; with ``norm_eval`` all do."""

    def __init__(self, norm_eval: bool) -> None:
        super().__init__()
        self._norm_eval = norm_eval
        self._frozen: tuple[nn.Module, ...] = ()

    def freeze(self, parts: Iterable[nn.Module]) -> None:
        self._frozen = tuple(parts)
        for parameter in chain.from_iterable(part.parameters() for part in self._frozen):
            parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        still = [self] if self._norm_eval else self._frozen
        for module in chain.from_iterable(part.modules() for part in still):
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self
