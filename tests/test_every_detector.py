"""What every detector must do, with its own losses, with GFocal's, and with some combinations in between."""

from __future__ import annotations

from functools import cache, partial

import pytest
import torch
from detectors import CLASSES, random_batch
from torch import Tensor, nn

from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.guidance import DistributionGuidance
from gfl_bench.structures import Batch, HeadOutput, Instances

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
    detector = built(name, parts).eval()
    torch.manual_seed(0)
    for layer in layers(detector.head):
        nn.init.kaiming_normal_(layer.weight)
    guides = [part for part in detector.head.modules() if isinstance(part, DistributionGuidance)]
    hooks = [layer.register_forward_hook(standardise) for guide in guides for layer in layers(guide)]
    with torch.no_grad():
        detector(random_batch(1, [1, 1]).images)
    for hook in hooks:
        hook.remove()
    return detector


def layers(part: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in part.modules() if isinstance(layer, nn.Conv2d)]


def standardise(layer: nn.Conv2d, inputs: object, said: Tensor) -> Tensor:
    """Mean 0 and deviation 1 in each channel, from now on: DGQP reads probabilities, which differ little."""
    mean, unit = said.mean(dim=(0, 2, 3)), said.std(dim=(0, 2, 3))
    layer.weight /= unit[:, None, None, None]
    layer.bias.sub_(mean).div_(unit)
    return (said - mean[:, None, None]) / unit[:, None, None]


@every_case
def test_a_batch_says_what_its_images_say_alone(name: str, parts: str) -> None:
    detector, batch = outspoken(name, parts), random_batch(0, [3, 2])
    with torch.no_grad():
        together = detector(batch.images)
        alone = [vars(detector(batch.images[number : number + 1])) for number in range(2)]
    for field, values in vars(together).items():
        if values is not None:
            assert (values[0] - values[1]).abs().median() > 50 * TOLERANCE, f"{field}: the images say the same"
            for number in range(2):
                torch.testing.assert_close(values[number], alone[number][field][0], rtol=TOLERANCE, atol=TOLERANCE)


@every_case
def test_the_loss_of_a_batch_is_the_sum_of_those_of_its_images(name: str, parts: str) -> None:
    """Where each is divided by the normalisers of all, as in processes that have one image each; not by its own."""
    detector, batch = outspoken(name, parts), random_batch(0, [3, 2, 0])
    with torch.no_grad():
        together = detector.loss(detector(batch.images), batch)
        alone = losses_of_processes(detector, [image_of(batch, number) for number in range(3)])
    for term, loss in together.items():
        sums = torch.stack([one[term] for one in alone]).sum()
        assert torch.allclose(sums, loss, rtol=TOLERANCE, atol=0), f"{term}: {sums}, of the batch {loss}"


def losses_of_processes(detector: Detector, batches: list[Batch]) -> list[dict[str, Tensor]]:
    """The losses of processes that have one of ``batches`` each and add up their normalisers."""
    said = [(detector(batch.images), batch) for batch in batches]
    own = [normalisers(detector, *one) for one in said]
    totals = [torch.stack(parts).sum(dim=0) for parts in zip(*own, strict=True)]
    return [detector.loss(*one, reduce=partial(lambda left, _: next(left), iter(totals))) for one in said]


def normalisers(detector: Detector, output: HeadOutput, batch: Batch) -> list[Tensor]:
    """What the loss of ``batch`` has added up over processes, in this order."""
    asked: list[Tensor] = []

    def reduce(own: Tensor) -> Tensor:
        asked.append(own)
        return own

    detector.loss(output, batch, reduce)
    return asked


def image_of(batch: Batch, number: int) -> Batch:
    """A batch of one of the images of ``batch``."""
    there, one = batch.instances, slice(number, number + 1)
    mine = there.image == number
    instances = Instances(there.boxes[mine], there.labels[mine], torch.zeros_like(there.image[mine]),
                          there.ignored_boxes, there.ignored_image)  # fmt: skip
    return Batch(batch.images[one], instances, batch.sizes[one], batch.padded_sizes[one], batch.scale_factors[one],
                 batch.image_ids[one])  # fmt: skip
