"""What every detector must do, with its own losses, with GFocal's, and with some combinations in between."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from detectors import CLASSES, random_batch
from torch import Tensor

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.structures import Batch, Instances

TOLERANCE = 2e-4
GFOCAL = "quality=joint box=general_dfl guidance=distribution"
OWN = {  # the losses that each was published with
    "atss": "quality=centerness_branch box=dirac",
    "borderdet": "quality=centerness_branch box=dirac",
    "fcos": "quality=centerness_branch box=dirac",
    "fcos_plain": "quality=centerness_branch box=dirac",
    "foveabox": "quality=none box=dirac",
    "nanodet": "quality=joint box=general_dfl box.n=7",
    "paa": "quality=iou_branch box=dirac",
    "reppoints_v2": "quality=none box=dirac",
    "retinanet": "quality=none box=dirac",
    "retinanet_a9": "quality=none box=dirac",
    "ssd512": "quality=none box=dirac",
    "vfnet": "quality=joint quality.loss=varifocal quality.box_weight=iou box=dirac",
    "yolov3_tiny": "quality=none box=dirac",
    "yolov4_tiny": "quality=none box=dirac",
}
BETWEEN = {
    "borderdet": [
        "quality=none box=gaussian", "quality=iou_branch box=general", "quality=iou_guided box=dirac",
        "quality=joint box=dirac guidance=border_extreme",
    ],
    "nanodet": [
        "quality=iou_branch box=dirac", "quality=none box=gaussian", "quality=joint box=general guidance=border_middle",
        "quality=joint box=general_dfl backbone=resnet18", "quality=joint box=general_dfl neck=fpn",
        "quality=joint box=general_dfl detector.head.level_scales=true",
    ],
    "paa": [
        "quality=joint quality.loss=l2 box=dirac guidance=point", "quality=none box=gaussian",
        "quality=iou_guided box=general", "quality=centerness_branch box=dirac",
    ],
    "reppoints_v2": [
        "quality=iou_branch box=gaussian",
        "quality=joint box=dirac guidance=point detector.head.box_of_points=moment",
    ],
    "retinanet": ["quality=centerness_branch box=general", "quality=joint box=dirac guidance=deformable"],
    "retinanet_a9": ["quality=joint box=dirac", "quality=iou_branch box=gaussian"],
    "ssd512": [
        "quality=joint box=dirac", "quality=none box=gaussian", "quality=joint box=general",
        "quality=none box=dirac backbone=resnet18", "quality=none box=dirac neck=fpn",
        "quality=none box=dirac backbone=vgg16_bn",
    ],
    "vfnet": [
        "quality=none box=gaussian", "quality=iou_branch box=general",
        "quality=centerness_branch box=dirac detector.head.aux_tower=cls",
        "quality=iou_guided box=dirac detector.dirac.coding=delta",
        "quality=joint quality.loss=varifocal box=dirac guidance=border_middle",
    ],
    "yolov3_tiny": ["quality=joint box=dirac", "quality=none box=general", "quality=joint box=gaussian"],
    "yolov4_tiny": [
        "quality=joint box=dirac", "quality=none box=gaussian",
        "quality=none box=dirac detector.dirac.coding=delta detector.dirac.loss=giou",
    ],
}  # fmt: skip
NEEDS = {
    "nanodet": "neck=pan backbone=shufflenet_v2", "ssd512": "neck=ssd backbone=vgg16",
    "yolov3_tiny": "neck=yolo_tiny backbone=darknet_tiny", "yolov4_tiny": "neck=yolo_tiny backbone=csp_darknet_tiny",
}  # fmt: skip
CASES = [
    *((name, parts) for name, own in OWN.items() for parts in (own, GFOCAL)),
    *(pytest.param(name, parts, marks=pytest.mark.slow) for name, between in BETWEEN.items() for parts in between),
]

every_case = pytest.mark.parametrize(("name", "parts"), CASES)


@cache
def composed(name: str, parts: str) -> Config:
    needs = NEEDS.get(name, "").split()
    return compose_config([f"detector={name}", "scale=smoke", "guidance=none", *needs, *parts.split()])


def built(name: str, parts: str) -> Detector:
    return build_detector(composed(name, parts), CLASSES, seed=0)


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


@pytest.mark.slow
@pytest.mark.parametrize("truths", [[0, 0], [3, 0]], ids=["none", "one image without"])
@every_case
def test_images_without_ground_truth_give_a_finite_loss_and_gradient(name: str, parts: str, truths: list[int]) -> None:
    detector, batch = built(name, parts).train(), random_batch(0, truths, 64, 96)
    losses = detector.loss(detector(batch.images), batch)
    total(losses).backward()
    assert all(loss.isfinite() for loss in losses.values())
    for parameter, value in detector.named_parameters():
        assert value.grad is not None and value.grad.isfinite().all(), parameter


@every_case
def test_all_is_finite_float32_under_bf16_autocast(name: str, parts: str) -> None:
    detector, batch = built(name, parts).train(), random_batch(0, [4, 2], 64, 96)
    with torch.autocast("cpu", torch.bfloat16):
        output = detector(batch.images)
        losses = detector.loss(output, batch)
    total(losses).backward()
    assert {x.dtype for x in vars(output).values() if x is not None} == {torch.float32}
    assert all(loss.isfinite() and loss.dtype == torch.float32 for loss in losses.values())
    assert all(value.grad is None or value.grad.isfinite().all() for value in detector.parameters())


@every_case
def test_a_network_that_diverged_gives_a_loss_that_is_not_finite_and_no_error(name: str, parts: str) -> None:
    detector, batch = built(name, parts).train(), random_batch(0, [4, 2], 64, 96)
    losses = detector.loss(detector(batch.images * torch.nan), batch)
    assert not total(losses).isfinite()


def outspoken(name: str, parts: str) -> Detector:
    """With weights in its head by which images differ: as the reference begins, all say nearly the same."""
    detector = built(name, parts)
    torch.manual_seed(0)
    for path, module in detector.head.named_modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(module.weight)
            if path.startswith("guidance.layers"):  # reads probabilities, which differ little
                module.weight.data *= 16
    return detector


@every_case
def test_a_batch_says_what_its_images_say_alone(name: str, parts: str) -> None:
    detector, batch = outspoken(name, parts).eval(), random_batch(0, [3, 2])
    with torch.no_grad():
        together = detector(batch.images)
        alone = [vars(detector(batch.images[number : number + 1])) for number in range(2)]
    for field, values in vars(together).items():
        if values is not None:
            assert (values[0] - values[1]).abs().mean() > 5 * TOLERANCE, f"{field}: the images say the same"
            for number in range(2):
                torch.testing.assert_close(values[number], alone[number][field][0], rtol=TOLERANCE, atol=TOLERANCE)


@every_case
def test_the_loss_does_not_depend_on_the_order_of_the_images(name: str, parts: str) -> None:
    detector, batch = outspoken(name, parts).eval(), random_batch(0, [3, 2])
    with torch.no_grad():
        losses, turned = (detector.loss(detector(one.images), one) for one in (batch, backwards(batch)))
    for term, loss in losses.items():
        assert torch.allclose(turned[term], loss, rtol=TOLERANCE, atol=TOLERANCE), term


def backwards(batch: Batch) -> Batch:
    """The same images, the last one first."""
    there = batch.instances
    order = torch.argsort(-there.image, stable=True)
    turned = Instances(there.boxes[order], there.labels[order], len(batch.image_ids) - 1 - there.image[order],
                       there.ignored_boxes, there.ignored_image)  # fmt: skip
    return Batch(batch.images.flip(0), turned, batch.sizes.flip(0), batch.padded_sizes.flip(0),
                 batch.scale_factors.flip(0), batch.image_ids[::-1])  # fmt: skip
