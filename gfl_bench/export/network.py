"""What is exported of a detector: backbone, neck and head as one module that can be traced."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gfl_bench.export.error import ExportError
from gfl_bench.models.detector import Detector
from gfl_bench.structures import HeadOutput, Logits, Probabilities

INPUT = "image"
Said = Mapping[str, Tensor]  # by the names of ``output_names``


class Network(nn.Module):
    """Images [1, 3, H, W], normalised -> cls [1, P, C], box [1, P, 4 * m], aux and guide [1, P, 1] where there are.

    P counts the priors of all levels, finest first, row by row. Nothing is decoded, and no sigmoid taken.

    Raises:
        ExportError: the detector's head says more than that.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector.eval()
        kind = getattr(detector.head, "output", HeadOutput)
        if kind is not HeadOutput:
            raise ExportError(
                f"detector={detector.config.name} cannot be exported: its head says more than classes, boxes and a "
                "quality, which decoding needs in further stages; choose another detector"
            )

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(said_of(self.detector(images)).values())

    @torch.no_grad()
    def said(self, images: Tensor) -> dict[str, Tensor]:
        """``forward``, by name."""
        return said_of(self.detector(images))


def said_of(output: HeadOutput) -> dict[str, Tensor]:
    """The parts of ``output`` that are there, in the order of the exported outputs."""
    parts = {"cls": output.cls, "box": output.box.flatten(2), "aux": output.aux, "guide": output.guide}
    return {name: part for name, part in parts.items() if part is not None}


def output_of(said: Said) -> HeadOutput:
    """The way back from ``said_of``."""
    aux, guide = said.get("aux"), said.get("guide")
    return HeadOutput(
        Logits(said["cls"]), said["box"].unflatten(2, (4, -1)), None if aux is None else Logits(aux),
        None if guide is None else Probabilities(guide),
    )  # fmt: skip
