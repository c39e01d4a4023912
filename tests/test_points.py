"""Points between cells are read as grid_sample and deformable convolutions read them, several at a time."""

from __future__ import annotations

import pytest
import torch
from pointwise import value_at
from torch import Tensor
from torch.nn.functional import conv2d, grid_sample
from torchvision.ops import deform_conv2d

from gfl_bench.models.points.bilinear import sum_of_points
from gfl_bench.models.points.convolution import PointConvolution
from gfl_bench.models.points.largest import largest_of_points

SIZES = [(4, 6), (1, 1), (1, 3), (7, 1)]
BATCH, PLACES, POINTS, CHANNELS = 2, 3, 5, 4


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def given(size: tuple[int, int], whole: bool = False) -> tuple[Tensor, Tensor]:
    """Maps, and offsets that reach over their edges; ``whole`` ones point at cells."""
    offsets = drawn(BATCH, *size, PLACES, POINTS, 2, seed=1) * 3
    maps = drawn(BATCH, PLACES * CHANNELS, *size)
    return maps.requires_grad_(), (offsets.round() if whole else offsets).requires_grad_()


def values(maps: Tensor, offsets: Tensor) -> Tensor:
    """[B, P, C, K, H, W] by torch's own reading, whose -1 and 1 are the map's outer edges."""
    height, width = maps.shape[-2:]
    x = offsets[..., 0] + torch.arange(width)[:, None, None]
    y = offsets[..., 1] + torch.arange(height)[:, None, None, None]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1).permute(0, 3, 4, 1, 2, 5)
    own = maps.unflatten(1, (PLACES, CHANNELS)).flatten(0, 1)
    read = grid_sample(own, grid.flatten(0, 1).flatten(1, 2), padding_mode="zeros", align_corners=False)
    return read.unflatten(2, (POINTS, height)).unflatten(0, (BATCH, PLACES))


def test_a_sum_of_points_is_that_of_their_values_one_by_one() -> None:
    maps, offsets = (x.detach() for x in given((4, 6)))
    found = sum_of_points(maps, offsets)
    for b, row, column in torch.cartesian_prod(torch.arange(2), torch.arange(4), torch.arange(6)).tolist():
        expected = torch.zeros(CHANNELS)
        for place, own in enumerate(maps[b].split(CHANNELS)):
            for dx, dy in offsets[b, row, column, place].tolist():
                expected += value_at(own, column + dx, row + dy)
        torch.testing.assert_close(found[b, :, row, column], expected)


@pytest.mark.parametrize("whole", [False, True], ids=["between cells", "on cells"])
@pytest.mark.parametrize("size", SIZES)
def test_sums_and_their_gradients_are_those_of_grid_sample(size: tuple[int, int], whole: bool) -> None:
    ours, theirs = given(size, whole), given(size, whole)
    weight = drawn(BATCH, CHANNELS, *size, seed=2)
    found, expected = sum_of_points(*ours), values(*theirs).sum(dim=(1, 3))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours[0].grad, theirs[0].grad, atol=1e-4, rtol=1e-4)
    if not whole:  # on a cell the slope has two sides
        torch.testing.assert_close(ours[1].grad, theirs[1].grad, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_the_largest_of_points_and_its_gradient_are_those_of_grid_sample(size: tuple[int, int]) -> None:
    ours, theirs = given(size), given(size)
    weight = drawn(BATCH, PLACES * CHANNELS, *size, seed=2)
    found, expected = largest_of_points(*ours), values(*theirs).amax(dim=3).flatten(1, 2)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    if min(size) > 1:  # elsewhere many points read nothing but zeros, and torch shares the gradient among equals
        torch.testing.assert_close(ours[0].grad, theirs[0].grad, atol=1e-4, rtol=1e-4)


def test_gradients_of_equal_points_go_to_the_first_alone() -> None:
    maps, offsets = torch.ones(1, 1, 1, 3, requires_grad=True), torch.zeros(1, 1, 3, 1, 2, 2)
    offsets[..., 1, 0] = torch.tensor([1.0, 0.0, -1.0])[:, None]  # second point: the middle cell
    largest_of_points(maps, offsets).sum().backward()
    assert maps.grad is not None and maps.grad.flatten().tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("of", [sum_of_points, largest_of_points])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_point_that_is_no_number_reads_nothing(of: object, value: float) -> None:
    assert callable(of)
    maps, offsets = drawn(1, 2, 3, 4), torch.full((1, 3, 4, 1, 1, 2), value)
    assert torch.equal(of(maps, offsets), torch.zeros(1, 2, 3, 4))


def test_a_map_that_is_no_number_is_not_hidden() -> None:
    maps = torch.full((1, 2, 3, 4), torch.nan)
    assert sum_of_points(maps, torch.zeros(1, 3, 4, 1, 1, 2)).isnan().all()


@pytest.mark.parametrize("of", [sum_of_points, largest_of_points])
def test_the_memory_order_of_the_maps_does_not_matter(of: object) -> None:
    assert callable(of)
    maps, offsets = (x.detach() for x in given((5, 7)))
    assert torch.equal(of(maps.contiguous(memory_format=torch.channels_last), offsets), of(maps, offsets))


def test_a_point_convolution_is_a_deformable_one_with_its_gradients() -> None:
    conv, x = PointConvolution(3, 5), drawn(2, 3, 6, 8)
    offsets = drawn(2, 6, 8, 9, 2, seed=1) * 2
    kernel = torch.cartesian_prod(torch.arange(-1.0, 2), torch.arange(-1.0, 2))  # (y, x)
    results = []
    for name in ("ours", "theirs"):
        features, places = x.clone().requires_grad_(), offsets.clone().requires_grad_()
        conv.zero_grad()
        if name == "ours":
            found = conv(features, places)
        else:
            moved = (places.flip(-1) - kernel).flatten(3).permute(0, 3, 1, 2)
            found = deform_conv2d(features, moved, conv.conv.weight, padding=1)
        (found * drawn(*found.shape, seed=2)).sum().backward()
        results.append([found, features.grad, places.grad, conv.conv.weight.grad])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_points_of_the_kernel_itself_make_a_plain_convolution_also_under_autocast() -> None:
    conv, x = PointConvolution(6, 4), drawn(2, 6, 5, 7)
    kernel = torch.cartesian_prod(torch.arange(-1.0, 2), torch.arange(-1.0, 2)).flip(1)
    places = kernel.expand(2, 5, 7, 9, 2)
    plain = conv2d(x, conv.conv.weight, padding=1)
    torch.testing.assert_close(conv(x, places), plain, atol=1e-5, rtol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        half = conv(x, places)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), plain, atol=0.05, rtol=0.05)
