"""The star of VFNet lies on its box."""

from __future__ import annotations

import torch

from gfl_bench.models.detectors.vfnet.star import star


def test_the_star_of_a_box_of_two_cells_is_a_plain_kernel() -> None:
    kernel = torch.cartesian_prod(torch.arange(-1.0, 2), torch.arange(-1.0, 2)).flip(1)  # (dx, dy), row by row
    assert torch.equal(star(torch.ones(2, 5, 7, 4)), kernel.expand(2, 5, 7, 9, 2))


def test_the_star_has_corners_borders_and_middle_of_its_box_row_by_row() -> None:
    left, top, right, bottom = 1.5, 2.0, 3.25, 0.5
    found = star(torch.tensor([left, top, right, bottom]).expand(1, 2, 3, 4))[0, 1, 2]
    assert found.tolist() == [[x, y] for y in (-top, 0.0, bottom) for x in (-left, 0.0, right)]


def test_gradients_reach_the_sides() -> None:
    ltrb = torch.ones(1, 2, 2, 4, requires_grad=True)
    star(ltrb)[..., 8, :].sum().backward()  # the lower right corner
    assert ltrb.grad is not None and ltrb.grad[0, 0, 0].tolist() == [0, 0, 1, 1]
