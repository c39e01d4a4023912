"""The lattice of priors, and ATSS against mmdetection and against the full-matrix version."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from detectors import random_batch
from reference import FullMatrixATSS, golden
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gfl_bench.config.schema import ATSSAssigner, PriorConfig
from gfl_bench.models.assigners.assignment import IGNORED, Assignment
from gfl_bench.models.assigners.atss import ATSS
from gfl_bench.models.assigners.closest import closest
from gfl_bench.models.priors import level_sizes, priors_for
from gfl_bench.structures import Instances, Priors

IMAGES = ["small8", "mid20", "empty", "crowd60", "ignore", "integer_ties", "dense200", "tiny_image"]
CPU = torch.device("cpu")


def lattice(height: int, width: int, config: PriorConfig | None = None) -> Priors:
    config = config or PriorConfig()
    return priors_for(level_sizes(height, width, config.strides), config, CPU)


def stored_image(name: str) -> tuple[Priors, Instances, Tensor, Tensor]:
    """Priors, ground truth, padded size [1, 2] and mmdetection's assignment, of one image."""
    z = {key.split("/")[1]: torch.from_numpy(value) for key, value in golden("atss_assign").items()
         if key.startswith(f"{name}/")}  # fmt: skip
    boxes, ignored = z["gt_bboxes"].float().reshape(-1, 4), z.get("gt_bboxes_ignore", torch.zeros(0, 4))
    owners = torch.zeros(len(boxes), dtype=torch.int64), torch.zeros(len(ignored), dtype=torch.int64)
    instances = Instances(boxes, z["gt_labels"].long(), owners[0], ignored, owners[1])
    height, width = z["pad_shape"].tolist()
    levels = len(z["num_level_anchors"])
    config = PriorConfig(strides=PriorConfig().strides[:levels])
    priors = lattice(height, width, config)
    assert [h * w for h, w in priors.level_sizes] == z["num_level_anchors"].tolist()
    return priors, instances, z["pad_shape"][None], z["gt_inds"].long()


def as_stored(assignment: Assignment) -> Tensor:
    """mmdetection's numbers: 0 negative, -1 ignored, k the k-th ground truth from 1."""
    gt = assignment.gt_index[0]
    return torch.where(gt == IGNORED, -1, gt + 1)


def test_priors_are_the_references_anchors_level_by_level() -> None:
    anchors = torch.from_numpy(golden("atss_assign")["small8/anchors"])
    priors, *_ = stored_image("small8")
    torch.testing.assert_close(priors.box, anchors, rtol=0, atol=0)
    torch.testing.assert_close(priors.center, (anchors[:, :2] + anchors[:, 2:]) / 2, rtol=0, atol=0)


def test_priors_made_for_inference_serve_training_too() -> None:
    config = PriorConfig(scale=7.0)
    with torch.inference_mode():
        lattice(64, 96, config)
    weight = torch.ones(1, requires_grad=True)
    (lattice(64, 96, config).center * weight).sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize("name", IMAGES)
def test_atss_is_the_references_on_every_prior(name: str) -> None:
    priors, instances, padded, wanted = stored_image(name)
    ours = ATSS(ATSSAssigner()).assign(priors, instances, padded)
    assert torch.equal(as_stored(ours), wanted)


def test_atss_with_ignored_boxes_is_the_references() -> None:
    priors, instances, padded, _ = stored_image("ignore")
    wanted = torch.from_numpy(golden("atss_assign")["ignore_iof0.5/gt_inds"]).long()
    assert (wanted == -1).any()
    ours = ATSS(ATSSAssigner(ignore_iof=0.5)).assign(priors, instances, padded)
    assert torch.equal(as_stored(ours), wanted)


def test_measuring_all_priors_gives_the_same_where_nothing_is_ignored() -> None:
    priors, instances, padded, wanted = stored_image("crowd60")
    instances.ignored_boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0]])  # covers no prior by half
    instances.ignored_image = torch.zeros(1, dtype=torch.int64)
    ours = ATSS(ATSSAssigner(ignore_iof=0.5)).assign(priors, instances, padded)
    assert torch.equal(as_stored(ours), wanted)


def test_targets_of_a_padded_image_are_the_references() -> None:
    z = {key: torch.from_numpy(value) for key, value in golden("gfl_targets_validflags").items()}
    priors = lattice(*z["batch_input_shape"].tolist())
    owner = torch.zeros(len(z["gt_bboxes"]), dtype=torch.int64)
    instances = Instances(z["gt_bboxes"], z["gt_labels"], owner, torch.zeros(0, 4), owner[:0])
    assignment = ATSS(ATSSAssigner()).assign(priors, instances, z["pad_shape"][None])
    gt = assignment.gt_index[0]
    assert torch.equal(gt != IGNORED, z["valid_flags"])
    assert torch.equal((gt != IGNORED).float(), z["label_weights"])
    background = 80
    assert torch.equal(torch.where(gt >= 0, z["gt_labels"][gt.clamp(min=0)], background), z["labels"])
    assert torch.equal(z["gt_bboxes"][gt[gt >= 0]], z["bbox_targets"][gt >= 0])
    assert assignment.positives.tolist() == [int(z["avg_factor"])]


@pytest.mark.parametrize("size", [(96, 128), (256, 32), (32, 320), (32, 32), (224, 224), (800, 1216)])
@pytest.mark.parametrize("seed", range(4))
def test_atss_is_the_full_matrix_version_on_random_batches(seed: int, size: tuple[int, int]) -> None:
    batch = random_batch(seed, [7, 0, 30, 1], *size, side=max(size) * 0.7)
    batch.instances.boxes += torch.rand(38, 4, generator=torch.Generator().manual_seed(seed))  # no centre in a tie
    batch.padded_sizes[1] = 32
    batch.padded_sizes[3] = torch.tensor([32, size[1]])
    priors = lattice(*size)
    ours = ATSS(ATSSAssigner()).assign(priors, batch.instances, batch.padded_sizes)
    plain = FullMatrixATSS().assign(priors, batch.instances, batch.padded_sizes)
    assert torch.equal(ours.gt_index, plain.gt_index)


@pytest.mark.parametrize("topk", [1, 2, 5, 9, 13])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_the_closest_priors_are_found_for_any_number_of_them_and_any_offset(topk: int, offset: float) -> None:
    batch = random_batch(topk, [40], 160, 96)
    batch.instances.boxes[:10] += torch.tensor([500.0, -300.0, 500.0, -300.0])  # far outside
    priors = lattice(160, 96, PriorConfig(offset=offset))
    found = closest(priors, batch.instances, batch.padded_sizes, topk)
    center = (batch.instances.boxes[:, :2] + batch.instances.boxes[:, 2:]) / 2
    distance = (center[:, None] - priors.center).norm(dim=2)
    for level, (ours, valid) in enumerate(zip(found.prior.split(topk, 1), found.valid.split(topk, 1), strict=True)):
        here = (priors.level == level).nonzero().squeeze(1)
        wanted = distance[:, here].sort(dim=1).values[:, :topk]
        assert (valid.sum(dim=1) == wanted.shape[1]).all()
        assert (priors.level[ours[valid]] == level).all()
        theirs = distance.gather(1, ours).masked_fill(~valid, torch.inf).sort(dim=1).values[:, : wanted.shape[1]]
        torch.testing.assert_close(theirs, wanted, rtol=1e-5, atol=1e-3)


def test_of_equal_ground_truths_the_first_takes_the_priors() -> None:
    batch = random_batch(0, [1])
    box, label = batch.instances.boxes, batch.instances.labels
    twice = Instances(box.repeat(2, 1), label.repeat(2), torch.zeros(2, dtype=torch.int64), box[:0], label[:0])
    gt = ATSS(ATSSAssigner()).assign(lattice(128, 160), twice, batch.padded_sizes).gt_index
    assert set(gt.unique().tolist()) == {-1, 0}


def test_images_of_a_batch_do_not_see_each_other() -> None:
    batch = random_batch(3, [5, 9])
    priors, assigner = lattice(128, 160), ATSS(ATSSAssigner())
    together = assigner.assign(priors, batch.instances, batch.padded_sizes).gt_index
    for number, first in ((0, 0), (1, 5)):
        mine = batch.instances.image == number
        alone = Instances(
            batch.instances.boxes[mine], batch.instances.labels[mine], torch.zeros_like(batch.instances.image[mine]),
            batch.instances.ignored_boxes, batch.instances.ignored_image,
        )  # fmt: skip
        gt = assigner.assign(priors, alone, batch.padded_sizes[number : number + 1]).gt_index[0]
        assert torch.equal(together[number], torch.where(gt >= 0, gt + first, gt))


class _Largest(TorchDispatchMode):
    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, Tensor):
                self.numel = max(self.numel, value.numel())
        return result


def test_no_tensor_has_a_number_for_each_prior_and_ground_truth() -> None:
    batch = random_batch(0, [300], 800, 1216)
    priors = lattice(800, 1216)
    with _Largest() as largest:
        ATSS(ATSSAssigner()).assign(priors, batch.instances, batch.padded_sizes)
    assert largest.numel < len(priors) * 300 / 50
