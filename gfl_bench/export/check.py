"""Whether an exported file says what PyTorch says."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gfl_bench.export.network import Network, output_of
from gfl_bench.export.runtimes import Runtime

PICTURES = 4  # of noise: what networks do with it needs no data to be at hand


@dataclass(frozen=True)
class Difference:
    """The greatest from PyTorch in float32: of scores, in [0, 1], and of a box's numbers over the greatest of them."""

    score: float
    box: float

    def exceeds(self, limit: Difference) -> bool:
        return not (self.score <= limit.score and self.box <= limit.box)  # NaN exceeds too

    def __str__(self) -> str:
        return f"scores {self.score:.1e}, boxes {self.box:.1e}"


# About four times what NanoDet showed on 59 photographs: 2.3e-6 and 2.5e-5 over numbers up to 10; 16-bit weights
# 3.8e-3 and 4.0e-2.
EXACT = Difference(score=1e-5, box=1e-5)
HALF = Difference(score=1.5e-2, box=1.5e-2)


def compare(network: Network, runtime: Runtime, size: tuple[int, int]) -> Difference:
    """Over ``PICTURES`` pictures of ``size`` (height, width), the same each time."""
    generator = torch.Generator().manual_seed(0)
    found = [_compare(network, runtime, torch.randn(1, 3, *size, generator=generator)) for _ in range(PICTURES)]
    return Difference(max(one.score for one in found), max(one.box for one in found))


def _compare(network: Network, runtime: Runtime, images: Tensor) -> Difference:
    wanted, given = network.said(images), runtime(images)
    score = (_scores(network, wanted) - _scores(network, given)).abs().max()
    box = (wanted["box"] - given["box"]).abs().max() / wanted["box"].abs().max().clamp(min=1e-6)
    return Difference(float(score), float(box))


def _scores(network: Network, said: dict[str, Tensor]) -> Tensor:
    scores, factor = network.detector.ranking(output_of(said))
    return scores if factor is None else scores * factor
