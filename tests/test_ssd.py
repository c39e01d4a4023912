"""SSD512: its maps, its head, its class loss, and the parts that go with it."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
import torch
from detectors import CLASSES, random_batch
from hydra.core.config_store import ConfigStore
from reference import GOLDENS
from torch import Tensor
from torch.nn import functional

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config, register_options
from gfl_bench.config.schema import SSDNeck as NeckConfig
from gfl_bench.models import build
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.ssd.mined_softmax import MinedSoftmax, hardest
from gfl_bench.models.detectors.ssd.neck import L2Norm, SSDNeck
from gfl_bench.structures import HeadOutput, Probabilities
from gfl_bench.sweep.register import cell_node
from gfl_bench.sweep.table import Cell

SSD = ["detector=ssd512", "neck=ssd", "backbone=vgg16", "guidance=none"]
SMALL = ["scale=smoke", "backbone.base_channels=4", "neck.channels=16"]
PUBLISHED = ["quality=none", "box=dirac"]
composed = cache(lambda *overrides: compose_config([*SSD, *SMALL, *overrides]))


def made(*overrides: str) -> Detector:
    return build_detector(composed(*overrides), CLASSES, seed=0)


def test_parameters_are_those_of_mmdetection() -> None:
    config = compose_config([*SSD, *PUBLISHED, "scale=paper", "data.size=512", "backbone.frozen_stages=-1",
                             "backbone.norm_eval=false"])  # fmt: skip
    with torch.device("meta"):
        detector = build._put_together(config, 80)
    names = {r"neck\.extra\.": "neck.extra_layers.", r"head\.levels\.(\d+)\.cls": r"bbox_head.cls_convs.\1.0",
             r"head\.levels\.(\d+)\.box": r"bbox_head.reg_convs.\1.0"}  # fmt: skip
    ours = {}
    for name, value in detector.state_dict().items():
        for pattern, theirs in names.items():
            name = re.sub(pattern, theirs, name)
        ours[name] = list(value.shape)
    assert ours == json.loads((GOLDENS / "state_dict_keys.json").read_text(encoding="utf-8"))["ssd512"]
    assert sum(parameter.numel() for parameter in detector.parameters()) == 36_038_196


@pytest.mark.parametrize(("height", "width"), [(512, 512), (512, 864), (96, 160), (33, 20), (8, 8)])
def test_each_map_is_the_image_over_its_stride_rounded_up(height: int, width: int) -> None:
    sizes = [(-(-height // stride), -(-width // stride)) for stride in (8, 16, 32, 64, 128, 256, 512)]
    neck = SSDNeck(NeckConfig(channels=8), [4, 12], levels=7)
    maps = neck([torch.rand(2, channels, *size) for channels, size in zip((4, 12), sizes[:2], strict=True)])
    assert [tuple(x.shape[2:]) for x in maps] == sizes
    assert [x.shape[1] for x in maps] == neck.channels
    assert neck.channels == [4, 12, 16, 8, 8, 8, 8]


def test_the_coarsest_map_of_512_pixels_is_that_of_the_published_convolution_without_stride() -> None:
    neck, x = SSDNeck(NeckConfig(channels=8), [4, 12], levels=3), torch.rand(1, 12, 2, 2)
    squeeze, last = neck.extra[0]
    published = functional.conv2d(squeeze(x), last.conv.weight, last.conv.bias, stride=1, padding=1).relu()
    torch.testing.assert_close(neck([torch.rand(1, 4, 4, 4), x])[2], published)


def test_the_finest_map_has_vectors_of_one_length_and_a_gradient_where_it_is_zero() -> None:
    norm, x = L2Norm(6, 20.0), torch.rand(2, 6, 3, 4)
    x[0, :, 1, 1] = 0
    x.requires_grad_()
    length = norm(x).norm(dim=1)
    assert length[0, 1, 1] == 0
    torch.testing.assert_close(length[1], torch.full((3, 4), 20.0))
    norm(x).sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()


def plain_mined_loss(detector: Detector, output: HeadOutput, gt_index: Tensor, labels: Tensor) -> Tensor:
    """One image after the other."""
    parts = []
    for cls, gt in zip(output.cls, gt_index, strict=True):
        target = torch.where(gt >= 0, labels[gt.clamp(min=0)], CLASSES)
        loss = functional.cross_entropy(cls, target, reduction="none")
        positive, negative = loss[gt >= 0], loss[gt == -1]
        parts += [positive, negative.topk(min(3 * len(positive), len(negative))).values]
    return torch.cat(parts).sum() / (gt_index >= 0).sum(dim=1).clamp(min=1).sum()


def test_the_class_loss_is_the_plain_one_on_a_batch_with_padding_and_an_empty_image() -> None:
    detector, batch = made(*PUBLISHED), random_batch(3, [5, 0, 9])
    output = detector(batch.images)
    output.cls = type(output.cls)(torch.randn(output.cls.shape, generator=torch.Generator().manual_seed(0)))
    assignment, positives = detector.match(output, batch)
    assert not assignment.learns.all()
    ours = detector.loss(output, batch)
    plain = plain_mined_loss(detector, output, assignment.gt_index, batch.instances.labels)
    torch.testing.assert_close(ours["loss_cls"], plain)
    codes = functional.smooth_l1_loss(
        positives.raw.squeeze(-1), detector.box.coding.encode(positives.target, positives.priors), reduction="sum"
    )
    torch.testing.assert_close(ours["loss_box"], codes / len(positives.row))


def test_no_more_negatives_are_learnt_than_there_are() -> None:
    losses, counts = torch.tensor([[1.0, 3, 2], [1, 0, 4], [5, 6, 7]]), torch.tensor([2, 9, 0])
    assert hardest(losses, counts).tolist() == [[3, 2, 0], [4, 1, 0], [0, 0, 0]]


def test_scores_are_softmax_without_the_background() -> None:
    detector, batch = made(*PUBLISHED), random_batch(0, [3, 2])
    assert isinstance(detector.quality, MinedSoftmax)
    output = detector(batch.images)
    scores, _ = detector.ranking(output)
    assert scores.shape[2] == CLASSES and output.cls.shape[2] == CLASSES + 1
    torch.testing.assert_close(1 - scores.sum(dim=2), output.cls.softmax(dim=2)[..., -1])
    _, positives = detector.match(output, batch)
    predicted = detector.quality.predicted(output, positives)
    torch.testing.assert_close(predicted, Probabilities(scores.flatten(0, 1)[positives.row, positives.label]))


def test_joint_scores_begin_small_and_softmax_begins_without_a_preference() -> None:
    joint, published = made("quality=joint", "box=dirac"), made(*PUBLISHED)
    images = torch.zeros(1, 3, 64, 64)
    assert joint.ranking(joint(images))[0].max() < 0.02
    scores = published.ranking(published(images))[0]
    torch.testing.assert_close(scores, torch.full_like(scores, 1 / (CLASSES + 1)))


@pytest.mark.parametrize(("overrides", "words"), [
    (["quality=iou_branch"], "set quality=none"), (["quality=centerness_guided"], "set quality=none"),
    (["quality=joint", "guidance=point"], "predicts several"), (["detector=atss"], "set neck=fpn, or detector=ssd512"),
])  # fmt: skip
def test_what_does_not_go_with_it_is_refused_with_the_mend(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config([*SSD, *PUBLISHED, *overrides])


@pytest.mark.parametrize("scale", ["smoke", "demo", "proxy", "paper"])
def test_a_cells_backbone_is_chosen_whatever_the_scale_prefers(scale: str) -> None:
    register_options()
    cell = Cell("of_test.ssd", {"detector": "ssd512", "neck": "ssd", "backbone": "vgg16", "quality": "none",
                                "box": "dirac", "guidance": "none"})  # fmt: skip
    ConfigStore.instance().store(group="cell", name=cell.name, node=cell_node(cell), package="_global_")
    config = compose_config([f"cell={cell.name}", f"scale={scale}"])
    assert (config.backbone.name, config.neck.name, config.quality.name) == ("vgg16", "ssd", "none")
