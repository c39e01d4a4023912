"""The tensors that travel between data, model and evaluation.

Letters: B images, C classes, P priors of all levels of one image, N ground truths of all images of a batch, K
positives. Boxes are (x1, y1, x2, y2) in pixels of the resized image, float32, continuous (no +1). Labels run 0..C-1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NewType

import torch
from torch import Tensor

Logits = NewType("Logits", Tensor)  # any real number; sigmoid makes it a probability
Probabilities = NewType("Probabilities", Tensor)  # in [0, 1]


def have_area(boxes: Tensor) -> Tensor:
    """[N] bool: which of ``boxes`` [N, 4] are wider and higher than 0."""
    return (boxes[:, 2:] > boxes[:, :2]).all(dim=1)


@dataclass
class Instances:
    """Ground truth of a batch, its images one after the other; an image may have none."""

    boxes: Tensor  # [N, 4] float32
    labels: Tensor  # [N] int64
    image: Tensor  # [N] int64, which image of the batch, ascending
    ignored_boxes: Tensor  # [M, 4] float32: crowds, not to be learnt
    ignored_image: Tensor  # [M] int64
    sigma: Tensor | None = None  # [N, 4] float32: pixels by which each true edge (l, t, r, b) is unsure; None: unknown

    def __len__(self) -> int:
        return len(self.boxes)

    def to(self, device: torch.device | str) -> Instances:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return Instances(**{
            name: part.to(device, non_blocking=True) for name, part in given.items() if part is not None
        })


@dataclass
class Batch:
    """Images padded with zeros to one size, and what is known of them."""

    images: Tensor  # [B, 3, H, W] float32, normalised; H and W multiples of 32
    instances: Instances
    sizes: Tensor  # [B, 2] int64 (height, width) of each resized image
    padded_sizes: Tensor  # [B, 2] int64, the same rounded up to 32
    scale_factors: Tensor  # [B, 2] float32 (width, height), resized / original
    image_ids: list[int]  # as in the annotation file
    frames: Tensor | None = None  # [B, 4] float32, boxes that the originals fill in their images; None: all of it

    def to(self, device: torch.device | str) -> Batch:
        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        return Batch(move(self.images), self.instances.to(device), move(self.sizes), move(self.padded_sizes),
                     move(self.scale_factors), self.image_ids, None if self.frames is None else move(self.frames))

    def frame(self, number: int | Tensor) -> Tensor:
        """The box [..., 4] float32 that the original fills in image ``number``, or in the images ``number`` [...]."""
        if self.frames is not None:
            return self.frames[number]
        size = self.sizes[number].flip(-1).float()
        return torch.cat([torch.zeros_like(size), size], dim=-1)

    def to_original(self, coordinates: Tensor, number: int | Tensor) -> Tensor:
        """``coordinates`` [..., 2 or 4] in pixels of image ``number``, or of the images ``number`` [...], as the
        original's.
        """
        pairs = coordinates.shape[-1] // 2
        if self.frames is not None:
            coordinates = coordinates - torch.cat([self.frames[number][..., :2]] * pairs, dim=-1)
        return coordinates / torch.cat([self.scale_factors[number]] * pairs, dim=-1)


@dataclass
class Priors:
    """The priors of each cell of each level, P3 first, row by row."""

    center: Tensor  # [P, 2] float32 (x, y) pixels
    stride: Tensor  # [P] float32 pixels
    box: Tensor  # [P, 4] float32
    level: Tensor  # [P] int64
    level_sizes: list[tuple[int, int]]  # (height, width) of each level's map
    lengths: list[int]  # priors of each level

    def __len__(self) -> int:
        return len(self.center)


@dataclass
class HeadOutput:
    """What the head says at every prior; float32, also under autocast."""

    cls: Logits  # [B, P, C]
    box: Tensor  # [B, P, 4, m]: m numbers a side (l, t, r, b), whose meaning is the box distribution's
    aux: Logits | None  # [B, P, 1] centerness or IoU branch
    guide: Probabilities | None  # [B, P, 1] quality read from the guidance, multiplied into the class score


@dataclass
class Detections:
    """The detections of one image, best first."""

    boxes: Tensor  # [D, 4]
    scores: Tensor  # [D]
    labels: Tensor  # [D] int64
    location: Tensor | None = None  # [D] int64, the prior of the image that each comes from; None: not told


@dataclass
class QualityPairs:
    """Predicted quality against real IoU at positive locations (Table 10)."""

    predicted: Tensor  # [K] float32 in [0, 1]
    iou: Tensor  # [K] float32 in [0, 1]
