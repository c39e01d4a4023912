"""What competes in NMS: each candidate's score, what it would be were every quality 1, and its quality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gfl_bench.evaluate.displacement.pairs import Rivals, Truth
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, HeadOutput, Logits, have_area


def rivals_of(detector: Detector, output: HeadOutput, batch: Batch) -> Iterator[tuple[Tensor, Rivals, Truth]]:
    """Of each image the boxes [M, 4] that NMS is given, their scores and the truth, in pixels of the original image.

    Boxes without area are left out, as NMS does by default.
    """
    class_scores, _ = detector.ranking(_of_quality_one(output))
    quality, instances = _quality(output), batch.instances
    for number, (boxes, chosen) in enumerate(detector.candidates(output, batch)):
        kept = have_area(boxes).nonzero().squeeze(1)
        location, label = chosen.location[kept], chosen.label[kept]
        class_score = class_scores[number][location, label]
        rivals = Rivals(label, chosen.score[kept], class_score, quality[number][location, 0])
        own, ignored = instances.image == number, instances.ignored_image == number
        truth = Truth(
            batch.to_original(instances.boxes[own], number), instances.labels[own],
            batch.to_original(instances.ignored_boxes[ignored], number),
        )  # fmt: skip
        yield boxes[kept], rivals, truth


def _of_quality_one(output: HeadOutput) -> HeadOutput:
    """``output``, but the branch is sure of every box, and there is no guidance."""
    branch = None if output.aux is None else Logits(torch.full_like(output.aux, torch.inf))
    return replace(output, aux=branch, guide=None)


def _quality(output: HeadOutput) -> Tensor:
    """[B, P, 1]: of the branch, of the guidance, or the product of both."""
    branch = None if output.aux is None else output.aux.sigmoid()
    return torch.stack([one for one in (branch, output.guide) if one is not None]).prod(dim=0)
