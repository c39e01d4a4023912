"""BorderAlign reads each border's own channels at regular points, and keeps the largest value of each channel."""

from __future__ import annotations

from math import floor, inf, nan
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gfl_bench.models.detectors.borderdet.border_align import POINTS, BorderFeatures, border_align
from gfl_bench.models.points import largest
from gfl_bench.models.points.largest import _ON_GPU

SIZES = [(6, 9), (1, 1), (1, 5), (7, 1)]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def boxes(batch: int, height: int, width: int, seed: int = 1) -> Tensor:
    """Distances (l, t, r, b) of which some reach over the map's edges and some, being negative, invert the box."""
    return drawn(batch, height, width, 4, seed=seed) * 3 + 1.5


def at(plane: Tensor, x: float, y: float) -> float:
    """Value of ``plane`` [H, W] at column x and row y, which lie between its outermost cells."""
    total = 0.0
    for column in {floor(x), min(floor(x) + 1, plane.shape[1] - 1)}:
        for row in {floor(y), min(floor(y) + 1, plane.shape[0] - 1)}:
            total += float(plane[row, column]) * (1 - abs(x - column)) * (1 - abs(y - row))
    return total


def looked_up(maps: Tensor, distances: Tensor) -> Tensor:
    """``border_align`` of one image, point by point."""
    channels, (height, width) = len(maps) // 4, maps.shape[1:]
    found = torch.empty_like(maps)
    for y, x in torch.cartesian_prod(torch.arange(height), torch.arange(width)).tolist():
        left, top, right, bottom = distances[y, x].tolist()
        x1, x2 = (min(max(value, 0), width - 1) for value in (x - left, x + right))
        y1, y2 = (min(max(value, 0), height - 1) for value in (y - top, y + bottom))
        sides = [((x1, y1), (x1, y2)), ((x1, y1), (x2, y1)), ((x2, y1), (x2, y2)), ((x1, y2), (x2, y2))]
        for side, (start, end) in enumerate(sides):
            steps = [step / 10 for step in range(POINTS)]
            points = [(start[0] + s * (end[0] - start[0]), start[1] + s * (end[1] - start[1])) for s in steps]
            for channel in range(side * channels, (side + 1) * channels):
                found[channel, y, x] = max(at(maps[channel], *point) for point in points)
    return found


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_largest_of_eleven_points_of_each_border_also_of_boxes_partly_outside(size: tuple[int, int]) -> None:
    maps, distances = drawn(2, 12, *size), boxes(2, *size)
    found = border_align(maps, distances)
    assert found.shape == maps.shape
    for image in range(2):
        torch.testing.assert_close(found[image], looked_up(maps[image], distances[image]), atol=1e-5, rtol=1e-5)


class _Counted(TorchDispatchMode):
    operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += 1
        return func(*args, **(kwargs or {}))


def read(monkeypatch: pytest.MonkeyPatch, block: int) -> tuple[Tensor, Tensor, int]:
    """What is read ``block`` values at a time, its gradient, and in how many operations."""
    monkeypatch.setattr(largest, "_block", lambda device: block)
    maps = drawn(2, 32, 20, 30).requires_grad_()
    with _Counted() as counted:
        found = border_align(maps, boxes(2, 20, 30))
        (gradient,) = torch.autograd.grad(found, maps, drawn(2, 32, 20, 30, seed=2))
    return found.detach(), gradient, counted.operations


def test_how_many_values_are_read_at_a_time_changes_the_operations_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    default = largest._block
    few, gradient_of_few, many_operations = read(monkeypatch, 2**10)
    all_, gradient_of_all, few_operations = read(monkeypatch, _ON_GPU)
    assert torch.equal(few, all_)
    torch.testing.assert_close(gradient_of_few, gradient_of_all)
    assert few_operations < 200 < many_operations
    assert default(torch.device("cuda")) == _ON_GPU > default(torch.device("cpu"))


def test_a_box_without_extent_reads_its_location() -> None:
    maps = drawn(2, 8, 5, 7)
    torch.testing.assert_close(border_align(maps, torch.zeros(2, 5, 7, 4)), maps)


def test_a_box_that_is_the_whole_map_reads_the_whole_border() -> None:
    maps = drawn(1, 4, 11, 11)  # the points fall on cells
    found = border_align(maps, torch.full((1, 11, 11, 4), 99.0))[0]
    edges = maps[0, 0, :, 0], maps[0, 1, 0], maps[0, 2, :, -1], maps[0, 3, -1]
    for one, edge in zip(found, edges, strict=True):
        torch.testing.assert_close(one, edge.max().expand(11, 11))


@pytest.mark.parametrize("size", SIZES)
def test_gradients_are_the_derivative(size: tuple[int, int]) -> None:
    """The pooled values are linear in the maps as long as no other point wins: a small step is followed exactly."""
    maps, distances, wanted = drawn(2, 8, *size).requires_grad_(), boxes(2, *size), drawn(2, 8, *size, seed=3)
    (border_align(maps, distances) * wanted).sum().backward()
    assert maps.grad is not None
    step = drawn(2, 8, *size, seed=4) * 1e-3
    with torch.no_grad():
        ahead, behind = (border_align(maps + sign * step, distances) for sign in (1, -1))
    change = ((ahead - behind) * wanted).double().sum() / 2
    torch.testing.assert_close((maps.grad * step).double().sum(), change, rtol=0.02, atol=2e-5)


def test_gradients_of_equals_go_to_one_point_alone() -> None:
    maps = torch.ones(1, 4, 5, 5, requires_grad=True)
    border_align(maps, torch.full((1, 5, 5, 4), 2.0)).sum().backward()
    assert maps.grad is not None
    assert maps.grad.sum().item() == pytest.approx(4 * 25)


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_boxes_that_are_no_numbers_are_read_somewhere_in_the_map(value: float) -> None:
    maps = drawn(1, 4, 3, 4).requires_grad_()
    found = border_align(maps, torch.full((1, 3, 4, 4), value))
    found.sum().backward()
    assert maps.grad is not None and maps.grad.isfinite().all()
    assert (found <= maps.max()).all()


def test_under_autocast_it_reads_bf16_maps_in_float32() -> None:
    maps, distances = drawn(1, 8, 6, 9).bfloat16(), boxes(1, 6, 9)
    with torch.autocast("cpu", torch.bfloat16):
        found = border_align(maps, distances.bfloat16().float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, border_align(maps.float(), distances.bfloat16().float()))


def test_the_memory_order_of_the_maps_does_not_matter() -> None:
    maps, distances = drawn(2, 8, 6, 9), boxes(2, 6, 9)
    other = maps.contiguous(memory_format=torch.channels_last)
    assert torch.equal(border_align(other, distances), border_align(maps, distances))


def test_no_gradient_flows_into_the_boxes() -> None:
    maps, distances = drawn(1, 4, 4, 4).requires_grad_(), boxes(1, 4, 4).requires_grad_()
    border_align(maps, distances).sum().backward()
    assert distances.grad is None


@pytest.mark.parametrize("size", SIZES)
def test_the_module_gives_as_many_features_as_it_takes(size: tuple[int, int]) -> None:
    """Also on a map of one cell, whose instance norm is 0."""
    module, features = BorderFeatures(6, 3), drawn(2, 6, *size)
    with torch.autocast("cpu", torch.bfloat16):
        half = module(features, boxes(2, *size))
    whole = module(features, boxes(2, *size))
    assert half.shape == whole.shape == features.shape and (whole >= 0).all()
    torch.testing.assert_close(half.float(), whole, atol=0.05, rtol=0.05)
    whole.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
