"""Priors that take no part in an image's assignment."""

from __future__ import annotations

import torch
from torch import Tensor

from gfl_bench.models.iou import coverage
from gfl_bench.structures import Instances, Priors


def inside_padding(priors: Priors, padded_sizes: Tensor) -> Tensor:
    """[B, P] bool: the prior's cell begins inside the padded image, whatever the prior's offset in its cell.

    Args:
        padded_sizes: [B, 2] int64 (height, width) in pixels.
    """
    offset = priors.center[0] / priors.stride[0]  # the first prior lies in row and column 0
    corner = priors.center - offset * priors.stride[:, None]
    return (corner < padded_sizes.flip(1)[:, None]).all(dim=-1)


def covered(priors: Priors, instances: Instances, images: int, threshold: float) -> Tensor:
    """[B, P] bool: some ignored box of the image covers more than ``threshold`` of the prior."""
    covers = coverage(priors.box, instances.ignored_boxes[:, None]) > threshold
    counts = torch.zeros(images, len(priors), dtype=torch.int64, device=covers.device)
    return counts.index_add_(0, instances.ignored_image, covers.long()) > 0
