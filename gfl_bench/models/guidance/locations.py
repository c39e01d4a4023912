"""Points of a predicted box, as seen from the location that predicts it (Fig. 5).

The box is known by its distances (l, t, r, b) from the location, and so is every point of it: (dx, dy) =
(cl * l + cr * r, ct * t + cb * b). A picture of Fig. 5 is therefore a table [P, K, 4] of numbers (cl, ct, cr, cb): P
places that are told apart, each of them K points whose values are pooled.
"""

from __future__ import annotations

import torch
from torch import Tensor


def offsets_to(table: Tensor, distances: Tensor) -> Tensor:
    """(dx, dy) [B, H, W, P, K, 2] to the points of ``table`` [P, K, 4], in the unit of ``distances`` [B, H, W, 4]."""
    terms = table * distances[..., None, None, :]
    return terms[..., :2] + terms[..., 2:]


def in_box(points: list[tuple[float, float]]) -> Tensor:
    """[K, 4] of K points (u, v), (0, 0) being the box's top left corner and (1, 1) its bottom right one."""
    return torch.tensor([(u - 1, v - 1, u, v) for u, v in points])


def borders(count: int) -> Tensor:
    """[4, count, 4]: regular points of the left, top, right and bottom border, clockwise from corner to corner."""
    steps = [step / (count - 1) for step in range(count)]
    left, right = [(0.0, 1 - step) for step in steps], [(1.0, step) for step in steps]
    top, bottom = [(step, 0.0) for step in steps], [(1 - step, 1.0) for step in steps]
    return torch.stack([in_box(points) for points in (left, top, right, bottom)])


def bins(count: int, samples: int) -> Tensor:
    """[count * count, samples * samples, 4]: RoIAlign's points, regular in each of the equal bins, row by row."""
    steps = [(step + 0.5) / (count * samples) for step in range(count * samples)]
    grid = in_box([(u, v) for v in steps for u in steps]).view(count, samples, count, samples, 4)
    return grid.transpose(1, 2).reshape(count * count, samples * samples, 4)


def star() -> Tensor:
    """[9, 1, 4]: the location, where its row and its column meet the four borders, and the four corners."""
    cross = [(0, 0, 0, 0), (-1, 0, 0, 0), (0, -1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    corners = [(-1, -1, 0, 0), (0, -1, 1, 0), (-1, 0, 0, 1), (0, 0, 1, 1)]
    return torch.tensor(cross + corners, dtype=torch.float32).unsqueeze(1)
