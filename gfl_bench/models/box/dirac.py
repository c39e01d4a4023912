"""One number a side, as each detector was published: its coding and its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gfl_bench.config import schema
from gfl_bench.config.schema import BoxLoss, DiracCoding
from gfl_bench.models.box.distribution import BoxDistribution, distances_in_strides
from gfl_bench.models.coding import boxes_from_deltas, boxes_from_distances, deltas_from_boxes, distances_to_sides
from gfl_bench.models.iou import giou_loss, iou_loss
from gfl_bench.structures import Priors

_RATIO_LIMITS = 1 / 16, 16.0  # of a target to the prior, as FoveaBox has them


class Coding(ABC):
    """Four numbers ``codes`` [..., 4] and a box [..., 4] in pixels, one from the other."""

    @abstractmethod
    def decode(self, codes: Tensor, priors: Priors) -> Tensor: ...


class InvertibleCoding(Coding):
    """One that can be trained on its codes."""

    @abstractmethod
    def encode(self, boxes: Tensor, priors: Priors) -> Tensor: ...


class Delta(InvertibleCoding):
    """(dx, dy, dw, dh) from the prior box, in units of ``std``."""

    def __init__(self, std: list[float]) -> None:
        self.std = tuple(std)

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        return boxes_from_deltas(priors.box, codes, self.std)

    def encode(self, boxes: Tensor, priors: Priors) -> Tensor:
        return deltas_from_boxes(priors.box, boxes, self.std)


class FromPriorSide(Coding):
    """Strides from the prior's side, so that an untrained head predicts the prior."""

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        distances = distances_in_strides(priors, priors.box) + codes
        return boxes_from_distances(priors.center, distances * priors.stride.unsqueeze(-1))


class InStrides(Coding):
    """Strides from the prior's centre; what is negative becomes 0."""

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        return boxes_from_distances(priors.center, codes.clamp(min=0) * priors.stride.unsqueeze(-1))


class SignedStrides(Coding):
    """Strides from the prior's centre, which a box need not contain."""

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        return boxes_from_distances(priors.center, codes * priors.stride.unsqueeze(-1))


class LogPixels(Coding):
    """Logarithms of the distances in pixels."""

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        return boxes_from_distances(priors.center, codes.exp())


class LogRatio(InvertibleCoding):
    """Logarithms of the distances over those of the prior's own sides."""

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        return boxes_from_distances(priors.center, distances_to_sides(priors.center, priors.box) * codes.exp())

    def encode(self, boxes: Tensor, priors: Priors) -> Tensor:
        ratio = distances_to_sides(priors.center, boxes) / distances_to_sides(priors.center, priors.box)
        return ratio.clamp(*_RATIO_LIMITS).log()


class LogSize(Coding):
    """Logarithms of the distances over the prior's width (l and r) and height (t and b)."""

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        size = priors.box[..., 2:] - priors.box[..., :2]
        return boxes_from_distances(priors.center, torch.cat([size, size], dim=-1) * codes.exp())


class InCell(Coding):
    """The centre's place in its cell by a logistic function, and the logarithm of the size over the prior's.

    ``scale_xy`` stretches the places about the cell's middle, where the prior's centre is, so that a centre may come to
    lie on the cell's edge, and a little beyond.
    """

    def __init__(self, scale_xy: float) -> None:
        self.scale_xy = scale_xy

    def decode(self, codes: Tensor, priors: Priors) -> Tensor:
        center = priors.center + self.scale_xy * (codes[..., :2].sigmoid() - 0.5) * priors.stride.unsqueeze(-1)
        half = (priors.box[..., 2:] - priors.box[..., :2]) * codes[..., 2:].exp() / 2
        return torch.cat([center - half, center + half], dim=-1)


class Dirac(BoxDistribution):
    """A number a side and nothing about its certainty."""

    channels = 1

    def __init__(self, config: schema.DiracConfig) -> None:
        super().__init__(config.loss_weight)
        self.coding = _CODINGS[config.coding](config)
        self.loss, self.smooth_beta = config.loss, config.smooth_beta

    def decode(self, raw: Tensor, priors: Priors) -> Tensor:
        return self.coding.decode(raw.squeeze(-1), priors)

    def mean(self, raw: Tensor, priors: Priors) -> Tensor:
        return distances_in_strides(priors, self.decode(raw, priors))

    def losses(self, raw: Tensor, boxes: Tensor, target: Tensor, priors: Priors) -> dict[str, Tensor]:
        on_boxes = _LOSSES_ON_BOXES.get(self.loss)
        if on_boxes is not None:
            return {"loss_box": self.loss_weight * on_boxes(boxes, target)}
        if not isinstance(self.coding, InvertibleCoding):
            raise TypeError(f"a box loss {self.loss.value} needs the coding delta or ratio")
        return {"loss_box": self.loss_weight * self._on_codes(raw.squeeze(-1), self.coding.encode(target, priors))}

    def _on_codes(self, codes: Tensor, wanted: Tensor) -> Tensor:
        beta = 0.0 if self.loss is BoxLoss.l1 else self.smooth_beta
        return functional.smooth_l1_loss(codes, wanted, reduction="none", beta=beta).sum(dim=-1)


_CODINGS: dict[DiracCoding, Callable[[Any], Coding]] = {
    DiracCoding.delta: lambda config: Delta(config.delta_std),
    DiracCoding.distance: lambda config: FromPriorSide(),
    DiracCoding.stride: lambda config: InStrides(),
    DiracCoding.signed: lambda config: SignedStrides(),
    DiracCoding.pixel: lambda config: LogPixels(),
    DiracCoding.ratio: lambda config: LogRatio(),
    DiracCoding.size: lambda config: LogSize(),
    DiracCoding.cell: lambda config: InCell(config.scale_xy),
}
_LOSSES_ON_BOXES: dict[BoxLoss, Callable[[Tensor, Tensor], Tensor]] = {
    BoxLoss.giou: giou_loss, BoxLoss.iou: iou_loss,
}  # fmt: skip
