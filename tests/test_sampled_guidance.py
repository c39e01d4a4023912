"""The seven convolutional guidances look where Fig. 5 says, and read there what is there."""

from __future__ import annotations

import pytest
import torch
from detectors import CLASSES, nano, random_batch
from pointwise import value_at
from torch import Tensor
from torchvision.ops import deform_conv2d, roi_align

from gfl_bench.config.compat import ConfigError
from gfl_bench.config.compose import compose_config
from gfl_bench.config.schema import SampledGuidance as Config
from gfl_bench.models.build import build_detector
from gfl_bench.models.guidance import GUIDANCES
from gfl_bench.models.guidance.sampled import DeformableGuidance, SampledGuidance

LTRB = (2.0, 1.0, 4.0, 5.0)  # a box of 6 x 6 cells, from (-2, -1) to (4, 5) as the location sees it
PLACES: dict[str, list[list[tuple[float, float]]]] = {  # (dx, dy) of the points of each place
    "point": [[(0, 0)]],
    "region": [
        [(x - 0.5, y - 0.5), (x + 0.5, y - 0.5), (x - 0.5, y + 0.5), (x + 0.5, y + 0.5)]
        for y in (0, 2, 4) for x in (-1, 1, 3)
    ],
    "border_dense": [
        [(-2, 5)], [(-2, 3.5)], [(-2, 2)], [(-2, 0.5)], [(-2, -1)], [(-0.5, -1)], [(1, -1)], [(2.5, -1)],
        [(4, -1)], [(4, 0.5)], [(4, 2)], [(4, 3.5)], [(4, 5)], [(2.5, 5)], [(1, 5)], [(-0.5, 5)],
    ],
    "border_middle": [[(-2, 2)], [(1, -1)], [(4, 2)], [(1, 5)]],
    "border_extreme": [
        [(-2, -1 + 0.6 * step) for step in range(11)], [(-2 + 0.6 * step, -1) for step in range(11)],
        [(4, -1 + 0.6 * step) for step in range(11)], [(-2 + 0.6 * step, 5) for step in range(11)],
    ],
    "regular_star": [[(0, 0)], [(-2, 0)], [(0, -1)], [(4, 0)], [(0, 5)], [(-2, -1)], [(4, -1)], [(-2, 5)], [(4, 5)]],
}  # fmt: skip
KINDS = [*PLACES, "deformable"]
F, D, SIZE = 5, 6, (9, 11)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def made(kind: str, moved: float = 1.0) -> SampledGuidance:
    """A guidance with random weights, its learnt offsets (if any) of about ``moved`` cells."""
    guidance = GUIDANCES[kind](Config(name=kind, d=D), F)
    assert isinstance(guidance, SampledGuidance)
    for number, (name, parameter) in enumerate(guidance.named_parameters()):
        parameter.data = drawn(*parameter.shape, seed=number) * (0.2 * moved if "conv_offset" in name else 0.5)
    return guidance


def boxes(batch: int, size: tuple[int, int] = SIZE) -> Tensor:
    return torch.tensor(LTRB).expand(batch, *size, 4)


@pytest.mark.parametrize("kind", PLACES)
def test_the_hidden_layer_sees_the_features_of_the_picture_s_places_one_after_the_other(kind: str) -> None:
    """Also where the box lies partly outside the map, as it does for two of the three locations."""
    guidance, features = made(kind), drawn(1, F, *SIZE)
    quality = guidance(features, boxes(1))
    weight = guidance.read.weight.view(-1, D, F)  # [places, d, F]
    assert len(weight) == len(PLACES[kind])
    pool = torch.amax if kind == "border_extreme" else torch.mean
    for x, y in [(4, 2), (0, 0), (10, 7)]:
        points = [[value_at(features[0], x + dx, y + dy) for dx, dy in place] for place in PLACES[kind]]
        said = [pool(torch.stack(values) @ w.T, 0) for values, w in zip(points, weight, strict=True)]
        hidden = (sum(said, guidance.bias[:, 0, 0])).relu()
        expected = guidance.score(hidden[None, :, None, None]).sigmoid().flatten()
        torch.testing.assert_close(quality[0, y, x], expected, atol=1e-5, rtol=1e-5)


def test_region_is_roi_align_of_the_predicted_box() -> None:
    guidance, features = made("region"), drawn(1, F, *SIZE)
    x, y = 4, 2
    corner = torch.tensor([x - LTRB[0], y - LTRB[1], x + LTRB[2], y + LTRB[3]]) + 0.5  # a cell's middle is its half
    pooled = roi_align(features, [corner[None]], 3, sampling_ratio=2, aligned=True)[0]  # [F, 3, 3]
    hidden = torch.einsum("pdf,fp->d", guidance.read.weight.view(9, D, F), pooled.flatten(1)) + guidance.bias[:, 0, 0]
    expected = guidance.score(hidden.relu()[None, :, None, None]).sigmoid().flatten()
    torch.testing.assert_close(guidance(features, boxes(1))[0, y, x], expected)


def test_deformable_is_a_deformable_convolution_whose_offsets_count_from_the_location() -> None:
    guidance, features = made("deformable"), drawn(2, F, *SIZE)
    assert isinstance(guidance, DeformableGuidance)
    kernel = torch.tensor([(y, x) for y in (-1.0, 0.0, 1.0) for x in (-1.0, 0.0, 1.0)])
    xy = guidance.conv_offset(features).unflatten(1, (9, 2))
    assert xy.std() > 0.5
    weight = guidance.read.weight.view(9, D, F).permute(1, 2, 0).reshape(D, F, 3, 3)
    hidden = deform_conv2d(features, (xy.flip(2) - kernel[..., None, None]).flatten(1, 2), weight, padding=1)
    expected = guidance.score((hidden + guidance.bias).relu()).sigmoid().permute(0, 2, 3, 1)
    torch.testing.assert_close(guidance(features, boxes(2)), expected, atol=1e-5, rtol=1e-5)


def test_a_new_detector_s_deformable_guidance_reads_its_location_nine_times() -> None:
    config = nano("joint", "dirac_delta")
    config.guidance = Config(name="deformable", d=D)
    new = build_detector(config, CLASSES, seed=0).head.guidance
    point = GUIDANCES["point"](Config(name="point", d=D), 32)
    assert isinstance(new, DeformableGuidance) and isinstance(point, SampledGuidance)
    point.read.weight.data = new.read.weight.data.unflatten(0, (9, D)).sum(0)
    point.score.load_state_dict(new.score.state_dict())
    given = drawn(1, 32, *SIZE), boxes(1)
    torch.testing.assert_close(new(*given), point(*given), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_quality_moves_with_the_image(kind: str) -> None:
    guidance, features = made(kind, moved=0.3), torch.zeros(1, F, 24, 26)
    features[..., 9:14, 10:15] = drawn(1, F, 5, 5)
    distances = torch.rand(1, 24, 26, 4, generator=torch.Generator().manual_seed(1)) * 3
    still = guidance(features, distances)
    moved = guidance(features.roll((2, 3), (2, 3)), distances.roll((2, 3), (1, 2)))
    assert still.std() > 0.001
    torch.testing.assert_close(moved, still.roll((2, 3), (1, 2)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_features_and_every_weight_but_not_the_box(kind: str) -> None:
    guidance, features = made(kind), drawn(2, F, *SIZE).requires_grad_()
    distances = boxes(2).clone().requires_grad_()
    guidance(features, distances).sum().backward()
    assert distances.grad is None
    for name, tensor in [("features", features), *guidance.named_parameters()]:
        assert tensor.grad is not None and tensor.grad.isfinite().all() and tensor.grad.abs().sum() > 0, name


@pytest.mark.parametrize("size", [SIZE, (1, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_under_autocast_a_quality_is_one_float32_probability_a_location(kind: str, size: tuple[int, int]) -> None:
    guidance, features = made(kind), drawn(2, F, *size)
    plain = guidance(features.bfloat16().float(), boxes(2, size))
    with torch.autocast("cpu", torch.bfloat16):
        quality = guidance(features.bfloat16(), boxes(2, size))
    assert quality.shape == (2, *size, 1) and quality.dtype == torch.float32
    assert ((quality > 0) & (quality < 1)).all()
    torch.testing.assert_close(quality, plain, atol=0.02, rtol=0)  # the first layer is bf16, where to look is not


@pytest.mark.parametrize("kind", KINDS)
def test_a_detector_with_it_learns_from_a_dirac_box(kind: str) -> None:
    config = nano("joint", "dirac_delta")
    config.guidance = Config(name=kind)
    detector, batch = build_detector(config, CLASSES, seed=0).train(), random_batch(0, [2, 0])
    sum(detector.loss(detector(batch.images), batch).values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in detector.head.guidance.parameters())


@pytest.mark.parametrize(
    ("overrides", "words"),
    [(["quality=iou_branch"], "guidance=point multiplies into the joint score"), (["guidance.d=0"], "must be above 0")],
)
def test_it_needs_the_joint_score_and_a_hidden_layer(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compose_config(["box=dirac", "guidance=point", *overrides])
