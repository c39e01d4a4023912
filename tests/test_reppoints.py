"""RepPoints V2: its parts against mmdetection's RepPoints and plain loops, and the whole detector."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from detectors import CLASSES, random_batch
from reference import golden
from test_detector import one_image, scored
from torch import Tensor
from torch.nn import functional

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import BoxOfPoints
from gfl_bench.models.build import build_detector
from gfl_bench.models.detector import Detector
from gfl_bench.models.detectors.reppoints_v2.detector import PointsOutput
from gfl_bench.models.detectors.reppoints_v2.point_sets import PointBoxes, kernel_points, share_gradient, start
from gfl_bench.models.points.convolution import PointConvolution

KINDS = {
    "published": ["quality=none", "box=dirac", "guidance=none"],
    "gfocal": ["quality=joint", "box=general_dfl", "guidance=distribution"],
}


def built(kind: str, classes: int = CLASSES) -> Detector:
    return build_detector(compose_config(["detector=reppoints_v2", "scale=smoke", *KINDS[kind]]), classes, seed=0)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("level", [2, 3, 4])
def test_points_read_and_boxed_give_the_head_of_mmdetection_s_first_reppoints(level: int) -> None:
    stored = {key: torch.tensor(value).float() for key, value in golden("reppoints_head").items()}

    def conv(x: Tensor, name: str, padding: int = 0) -> Tensor:
        weight, bias = (stored[f"w/bbox_head.{name}.{part}"] for part in ("weight", "bias"))
        return functional.conv2d(x, weight, bias, padding=padding)

    def sampled(x: Tensor, points: Tensor, name: str) -> Tensor:
        read = PointConvolution(32, 32)
        read.conv.weight.data = stored[f"w/bbox_head.reppoints_{name}_conv.weight"]
        return conv(read(x, kernel_points(points)).relu(), f"reppoints_{name}_out")

    cls = box = stored[f"feat/{level}"]
    for number in range(2):
        cls = conv(cls, f"cls_convs.{number}.conv", 1).relu()
        box = conv(box, f"reg_convs.{number}.conv", 1).relu()
    points = conv(conv(box, "reppoints_pts_init_conv", 1).relu(), "reppoints_pts_init_out")
    boxes = PointBoxes(BoxOfPoints.moment)
    boxes.log_scale.data = stored["w/bbox_head.moment_transfer"]
    sides = boxes(points + sampled(box, points, "pts_refine")).permute(0, 3, 1, 2)
    corners = torch.cat([-sides[:, :2], sides[:, 2:]], dim=1)
    torch.testing.assert_close(sampled(cls, points, "cls"), stored[f"head_out/0/{level}"], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(corners, stored[f"head_out/1/{level}"], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", list(BoxOfPoints))
def test_the_box_of_points_is_that_of_its_name(kind: BoxOfPoints) -> None:
    points, boxes = drawn(2, 18, 3, 4) * 3, PointBoxes(kind)
    if kind is BoxOfPoints.moment:
        boxes.log_scale.data = torch.tensor([0.3, -0.2])
    left, top, right, bottom = boxes(points)[1, 2, 3].tolist()
    y, x = points[1, 0::2, 2, 3], points[1, 1::2, 2, 3]
    if kind is BoxOfPoints.moment:
        half = [float(v.std() * torch.tensor(s).exp()) for v, s in ((x, 0.3), (y, -0.2))]
        expected = [-x.mean() + half[0], -y.mean() + half[1], x.mean() + half[0], y.mean() + half[1]]
    else:
        x, y = (x, y) if kind is BoxOfPoints.minmax else (x[:2], y[:2])
        expected = [-x.min(), -y.min(), x.max(), y.max()]
    assert [left, top, right, bottom] == pytest.approx([float(side) for side in expected], abs=1e-5)


def test_points_begin_as_four_cells_around_the_location_and_pass_on_a_share_of_the_gradient() -> None:
    assert PointBoxes(BoxOfPoints.corners)(start()[None]).flatten().tolist() == [2, 2, 2, 2]
    x = torch.ones(3, requires_grad=True)
    shared = share_gradient(x, 0.1)
    shared.sum().backward()
    torch.testing.assert_close(shared, x)
    torch.testing.assert_close(x.grad, torch.full((3,), 0.1))


@pytest.mark.parametrize("kind", ["published", "gfocal"])
def test_a_batch_gives_what_its_images_give_alone(kind: str) -> None:
    detector, batch = built(kind), random_batch(0, [2, 2])
    together = detector.predict(scored(detector, batch.images), batch)
    for number, detections in enumerate(together):
        alone = one_image(batch, number)
        (wanted,) = detector.predict(scored(detector, alone.images), alone)
        assert len(wanted.scores) > 0
        torch.testing.assert_close(detections.scores, wanted.scores, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(detections.boxes, wanted.boxes, rtol=1e-4, atol=1e-2)


def test_joint_inference_is_an_option_and_no_part_of_training() -> None:
    detector, batch = built("published"), random_batch(0, [3, 3])
    output = scored(detector, batch.images)
    assert isinstance(output, PointsOutput)
    priors, row = detector.priors(batch), torch.arange(len(detector.priors(batch)))
    moved, (_, positives) = detector.decode(output, row, priors), detector.match(output, batch)
    config: Any = detector.config
    config.joint_inference = False
    plain, (_, again) = detector.decode(output, row, priors), detector.match(output, batch)
    finest = priors.level == 0
    assert torch.equal(moved[finest], plain[finest])
    assert (moved[~finest] != plain[~finest]).all(dim=1).float().mean() > 0.9
    assert torch.equal(positives.boxes, again.boxes)


@pytest.mark.parametrize(("override", "words"), [
    ("detector.dirac.coding=delta", "takes its sides from points"),
    ("detector.head.corner_channels=12", "corner_channels=12 is not a multiple"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(["detector=reppoints_v2", "scale=smoke", *KINDS["published"], override])
