"""Ground truth for tests of assigners, and what holds for each of them."""

from __future__ import annotations

import torch
from detectors import random_batch
from reference import golden
from torch import Tensor

from gfl_bench.config.schema import PriorConfig
from gfl_bench.models.assigners.assignment import Assigner
from gfl_bench.models.priors import level_sizes, priors_for
from gfl_bench.structures import Instances, Priors


def only(boxes: Tensor) -> Instances:
    """The ground truth of a batch of one image."""
    owner = torch.zeros(len(boxes), dtype=torch.int64)
    return Instances(boxes, owner, owner, torch.zeros(0, 4), owner[:0])


def locations(height: int, width: int) -> Priors:
    """One prior in the middle of each cell, strides 8 to 128."""
    config = PriorConfig(offset=0.5)
    return priors_for(level_sizes(height, width, config.strides), config, torch.device("cpu"))


def stored(file: str, image: str) -> dict[str, Tensor]:
    """mmdetection's numbers for one image."""
    z = {key.removeprefix(f"{image}/"): torch.from_numpy(value) for key, value in golden(file).items()
         if key.startswith(f"{image}/")}  # fmt: skip
    return z | {"gt_bboxes": z["gt_bboxes"].reshape(-1, 4)}


def crowded(seed: int, height: int, width: int, side: float, cell: int) -> tuple[Instances, Tensor]:
    """Four images, one without ground truth, and their padded sizes.

    Some boxes lie on multiples of ``cell`` pixels, so that many numbers tie, and some are there twice.
    """
    batch = random_batch(seed, [7, 0, 30, 1], height, width, side)
    batch.instances.boxes[:25] = (batch.instances.boxes[:25] / cell).round() * cell
    batch.instances.boxes[1:34:4] = batch.instances.boxes[2:35:4]
    return batch.instances, batch.padded_sizes


def assert_images_are_independent(assigner: Assigner, priors: Priors, instances: Instances, padded: Tensor) -> None:
    """A batch gives each image what it is given alone."""
    together = assigner.assign(priors, instances, padded).gt_index
    for number, row in enumerate(together):
        mine, first = instances.image == number, int((instances.image < number).sum())
        alone = only(instances.boxes[mine])
        alone.ignored_boxes = instances.ignored_boxes[instances.ignored_image == number]
        alone.ignored_image = torch.zeros(len(alone.ignored_boxes), dtype=torch.int64)
        gt = assigner.assign(priors, alone, padded[number : number + 1]).gt_index[0]
        assert torch.equal(row, torch.where(gt >= 0, gt + first, gt))
