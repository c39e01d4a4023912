"""The star-shaped convolution reads where its box is."""

from __future__ import annotations

import torch
from torch.nn import functional

from gfl_bench.models.detectors.vfnet.star import StarConvolution, star_offsets


def test_the_star_of_a_box_of_two_cells_is_a_plain_convolution() -> None:
    star, x = StarConvolution(6), torch.randn(2, 6, 5, 7, generator=torch.Generator().manual_seed(0))
    found = star(x, torch.ones(2, 5, 7, 4))
    torch.testing.assert_close(found, functional.conv2d(x, star.conv.weight, padding=1), rtol=1e-4, atol=1e-5)


def test_the_star_reads_corners_borders_and_middle_of_its_box() -> None:
    column = torch.arange(12.0).expand(12, 12)
    star = StarConvolution(2)  # its maps hold the place they are read at
    left, top, right, bottom = 1.5, 2.0, 3.25, 0.5
    ltrb = torch.tensor([left, top, right, bottom]).expand(1, 12, 12, 4)
    for row, y in enumerate((-top, 0.0, bottom)):
        for place, x in enumerate((-left, 0.0, right)):
            with torch.no_grad():
                star.conv.weight.zero_()[:, :, row, place] = torch.eye(2)
                found = star(torch.stack([column, column.T])[None], ltrb)[0, :, 5, 6]
            torch.testing.assert_close(found, torch.tensor([6 + x, 5 + y]))


def test_a_box_that_is_not_a_number_has_finite_offsets_since_the_operator_would_read_any_memory() -> None:
    ltrb = torch.full((1, 2, 3, 4), torch.nan)
    ltrb[..., 1] = torch.inf
    assert star_offsets(ltrb).isfinite().all()
