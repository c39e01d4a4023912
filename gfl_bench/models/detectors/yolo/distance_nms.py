"""NMS that spares boxes whose centres lie apart (Zheng et al., 2020), darknet's ``nms_kind=greedynms``."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.models.detectors.yolo.ciou import squared_distances
from gfl_bench.models.iou import iou


def distance_nms(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float, power: float) -> Tensor:
    """Indices [D] int64 of the boxes [M, 4] that no better one of their class suppresses, best first.

    It suppresses those whose IoU with it, less (d / c)^power, is above ``threshold``: d is the squared distance of the
    centres, c the squared diagonal of the box around both (``box_diou`` in darknet, where power is 0.6).
    """
    order = scores.argsort(descending=True, stable=True)
    boxes, labels = boxes[order], labels[order]
    distance, diagonal = squared_distances(boxes[:, None], boxes)
    overlap = iou(boxes[:, None], boxes) - (distance / diagonal).pow(power)
    suppresses = ((overlap > threshold) & (labels[:, None] == labels)).triu(1)
    return order[_greedy(suppresses)]


def _greedy(suppresses: Tensor) -> Tensor:
    """[M] bool, who is left where the first come first: each round settles one more at least, in fact nearly all."""
    kept = torch.ones(len(suppresses), dtype=torch.bool, device=suppresses.device)
    while True:
        settled = ~(suppresses & kept[:, None]).any(dim=0)
        if torch.equal(settled, kept):
            return kept
        kept = settled
