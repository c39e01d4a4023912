"""The small YOLOs: their layers, boxes and scores, and the parts that go with them."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from detectors import CLASSES, random_batch
from test_every_detector import NEEDS
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import Config
from gfl_bench.models import build
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.yolo.distance_nms import distance_nms
from gfl_bench.models.detectors.yolo.objectness import Objectness
from gfl_bench.models.postprocess import class_wise_nms
from gfl_bench.speed import count_flops

NAMES = ("yolov3_tiny", "yolov4_tiny")
both = pytest.mark.parametrize("name", NAMES)


@cache
def composed(name: str, *more: str) -> Config:
    parts = [f"detector={name}", *NEEDS[name].split(), "quality=none", "box=dirac", "guidance=none"]
    return compose_config([*parts, "scale=smoke", *more])


def made(name: str, *more: str) -> Detector:
    return build_detector(composed(name, *more), CLASSES, seed=0)


# The sums that darknet prints as it loads each .cfg file at 416 x 416.
@pytest.mark.parametrize(("name", "billions"), [("yolov3_tiny", 5.56), ("yolov4_tiny", 6.91)])
def test_the_network_computes_as_much_as_darknet_says(name: str, billions: float) -> None:
    published = composed(name, "backbone.base_channels=64", "neck.channels=256")
    with torch.device("meta"):
        detector = build._put_together(published, 80)
        operations = count_flops(detector, torch.zeros(1, 3, 416, 416))
    assert operations / 1e9 == pytest.approx(billions, abs=0.01)


@both
@pytest.mark.parametrize(("height", "width"), [(64, 96), (416, 416), (33, 50)])
def test_it_says_something_of_three_boxes_in_each_cell_of_both_levels(name: str, height: int, width: int) -> None:
    detector, batch = made(name).eval(), random_batch(0, [1], height, width)
    output, priors = detector(batch.images), detector.priors(batch)
    cells = [-(-height // stride) * -(-width // stride) for stride in (16, 32)]
    assert priors.lengths == [3 * count for count in cells]
    assert output.cls.shape == (1, 3 * sum(cells), CLASSES) and output.aux.shape == (1, 3 * sum(cells), 1)


@both
def test_zeros_say_the_anchors_in_the_middle_of_their_cells(name: str) -> None:
    detector, batch = made(name), random_batch(0, [1])
    priors = detector.priors(batch)
    torch.testing.assert_close(detector.box.decode(torch.zeros(len(priors), 4, 1), priors), priors.box)
    sizes = (priors.box[:, 2:] - priors.box[:, :2])[[0, 1, 2, -3, -2, -1]]
    assert sizes.tolist() == [[23, 27], [37, 58], [81, 82], [81, 82], [135, 169], [344, 319]]
    assert priors.center[0].tolist() == [8, 8] and priors.center[-1].tolist() == [144, 112]


@pytest.mark.parametrize(("name", "reach"), [("yolov3_tiny", 0.5), ("yolov4_tiny", 0.525)])
def test_a_centre_reaches_as_far_as_its_scale(name: str, reach: float) -> None:
    detector, batch = made(name), random_batch(0, [1])
    priors = detector.priors(batch)
    raw = torch.zeros(len(priors), 4, 1)
    raw[:, 0], raw[:, 1] = 100, -100
    boxes = detector.box.decode(raw, priors)
    moved = ((boxes[:, :2] + boxes[:, 2:]) / 2 - priors.center) / priors.stride[:, None]
    torch.testing.assert_close(moved, torch.tensor([reach, -reach]).expand_as(moved))


@both
def test_a_score_is_objectness_times_class_also_for_the_threshold(name: str) -> None:
    detector, batch = made(name), random_batch(0, [3, 2])
    assert isinstance(detector.quality, Objectness)
    output = detector(batch.images)
    scores, factor = detector.ranking(output)
    torch.testing.assert_close(scores, output.cls.sigmoid() * output.aux.sigmoid())
    assert factor is None
    _, positives = detector.match(output, batch)
    wanted = scores.flatten(0, 1)[positives.row, positives.label]
    torch.testing.assert_close(detector.quality.predicted(output, positives), wanted)


@both
def test_class_losses_of_all_locations_are_those_of_the_positives(name: str) -> None:
    detector, batch = made(name), random_batch(0, [3, 2])
    output = detector(batch.images)
    assignment, positives = detector.match(output, batch)
    every = detector.quality.class_losses(output, positives)
    assert every.count_nonzero() == len(positives.row)
    torch.testing.assert_close(every.sum() / 2, detector.loss(output, batch)["loss_cls"])
    target = (assignment.gt_index.flatten() >= 0).float()
    losses = functional.binary_cross_entropy_with_logits(output.aux.flatten(), target, reduction="none")
    wanted = losses[assignment.learns.flatten()].sum() / 2
    torch.testing.assert_close(detector.loss(output, batch)["loss_aux"], wanted)


@pytest.mark.parametrize("seed", range(3))
def test_nms_by_distance_is_the_plain_one(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    center, size = torch.rand(2, 150, 2, generator=generator)
    boxes = torch.cat([center - size / 4, center + size / 4], dim=1) * 100
    scores, labels = torch.rand(150, generator=generator), torch.randint(3, (150,), generator=generator)
    left, wanted = scores.argsort(descending=True).tolist(), []
    while left:
        wanted.append(best := left.pop(0))
        left = [one for one in left if labels[one] != labels[best] or spared(boxes[best], boxes[one])]
    assert distance_nms(boxes, scores, labels, 0.3, 0.6).tolist() == wanted
    assert len(wanted) < 140 and len(wanted) > len(class_wise_nms(boxes, scores, labels, 0.3))


def spared(a: Tensor, b: Tensor) -> bool:
    apart = math.dist(((a[:2] + a[2:]) / 2).tolist(), ((b[:2] + b[2:]) / 2).tolist())
    around = math.dist(torch.minimum(a, b)[:2].tolist(), torch.maximum(a, b)[2:].tolist())
    return float(box_iou(a[None], b[None])) - (apart / around) ** 1.2 <= 0.3


def test_detections_of_yolov4_are_what_its_nms_leaves_of_boxes_with_area() -> None:
    detector, batch = made("yolov4_tiny").eval(), random_batch(0, [3, 2])
    with torch.no_grad():
        output = detector(batch.images)
    candidates = detector.candidates(output, batch)
    for found, (boxes, chosen) in zip(detector.predict(output, batch), candidates, strict=True):
        kept = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        best = distance_nms(boxes[kept], chosen.score[kept], chosen.label[kept], 0.45, 0.6)[:100]
        assert len(best) > 0 and torch.equal(found.boxes, boxes[kept][best])
        assert torch.equal(found.location, chosen.location[kept][best])


@pytest.mark.parametrize(("overrides", "words"), [
    (["detector.nms_distance_power=0"], "set 0.6, or null"),
    (["quality=iou_branch"], "has objectness and cross-entropy instead: set quality=none"),
    (["quality=joint", "guidance=point"], "predicts several"),
    (["neck=fpn", "backbone=resnet18"], "which neck=fpn does not make: set neck=yolo_tiny"),
    (["backbone=resnet18"], "set backbone=darknet_tiny or csp_darknet_tiny"),
    (["backbone.weights=IMAGENET1K_V1"], "set backbone.weights=null"),
    (["backbone.frozen_stages=1"], "set frozen_stages=-1"),
    (["backbone.base_channels=6"], "not a multiple of 4"),
    (["detector.prior.offset=0"], "set offset=0.5"),
    (["detector.dirac.coding=delta"], "set loss=giou, or coding=cell"),
    (["detector.prior.masks=[[0,1,2]]"], "equally many anchors for each of the strides"),
    (["detector.prior.masks=[[0,1,2],[3,4,6]]"], "name an anchor that is not there"),
    (["detector.assigner.masks=[[0,1,2],[3,4,5]]"], "set detector.prior.anchors and masks alone"),
])  # fmt: skip
def test_what_does_not_go_with_it_is_refused_with_the_mend(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        composed("yolov3_tiny", *overrides)


@pytest.mark.parametrize(("overrides", "words"), [
    (["neck=yolo_tiny"], "set neck=fpn, or detector=yolov3_tiny"),
    (["backbone=darknet_tiny"], "or backbone=resnet50"),
    (["detector.dirac.coding=cell"], "is YOLO's, but detector=atss: set coding=delta"),
    (["detector.dirac.loss=yolov4"], "set loss=giou, or coding=cell"),
])  # fmt: skip
def test_other_detectors_are_refused_its_parts_with_the_mend(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(["box=dirac", "guidance=none", *overrides])


def test_losses_measure_in_shares_of_the_data_s_size() -> None:
    assert composed("yolov4_tiny", "data.size=320").detector.dirac.image_size == 320


@pytest.mark.parametrize("scale", ["smoke", "demo", "proxy", "paper"])
@both
def test_its_row_of_table_15_has_its_own_trunk_at_every_scale(name: str, scale: str) -> None:
    config = compose_config([f"cell=table15.{name}_416", f"scale={scale}"])
    assert f"neck={config.neck.name} backbone={config.backbone.name}" == NEEDS[name]
    assert (config.data.size, config.detector.postprocess.nms_iou) == (416, 0.45)
    assert config.backbone.base_channels == {"smoke": 8, "paper": 64}.get(scale, 16)
