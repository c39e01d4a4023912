"""darknet's ``forward_yolo_layer`` as plain loops over one number after the other, and its files.

Read from pjreddie/darknet src/yolo_layer.c (iou_loss=mse) and hank-ai/darknet src-lib/yolo_layer.cpp and box.cpp
(iou_loss=ciou), and from ``load_convolutional_weights`` of pjreddie/darknet src/parser.c.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ANCHORS = [(10, 14), (23, 27), (37, 58), (81, 82), (135, 169), (344, 319)]
MASKS = [[1, 2, 3], [3, 4, 5]]
Box = tuple[float, float, float, float]  # x, y, w, h of the middle, in shares of the network's input


@dataclass
class Rules:
    """What the two .cfg files and the two versions of the program have otherwise."""

    ciou: bool
    scale_xy: float = 1.0
    iou_normalizer: float = 1.0
    ignore_class_score: float = 0.0
    ignore_iou: float = 0.7


YOLOV3, YOLOV4 = Rules(False), Rules(True, 1.05, 0.07, 0.25)


def deltas(said: Tensor, level: int, truths: list[tuple[Box, int]], side: int, rules: Rules) -> Tensor:
    """What darknet adds to the numbers ``said`` [H, W, A, 5 + C] of a level of an image of ``side`` pixels."""
    height, width, count = said.shape[:3]
    delta = torch.zeros_like(said, dtype=torch.float64)
    place = [(j, i, n) for j in range(height) for i in range(width) for n in range(count)]
    for j, i, n in place:
        x = [float(value) for value in said[j, i, n]]
        box = decoded(x, j, i, (height, width), ANCHORS[MASKS[level][n]], side, rules)
        best = max((overlap(box, truth) for truth, _ in truths), default=0.0)
        sure = max(map(logistic, x[5:])) > rules.ignore_class_score
        delta[j, i, n, 4] = 0 if best > rules.ignore_iou and sure else 0 - logistic(x[4])
    for truth, label in truths:
        shapes = [overlap((0, 0, *truth[2:]), (0, 0, w / side, h / side)) for w, h in ANCHORS]
        best_anchor = shapes.index(max(shapes))
        if best_anchor not in MASKS[level]:
            continue
        j, i, n = int(truth[1] * height), int(truth[0] * width), MASKS[level].index(best_anchor)
        x = [float(value) for value in said[j, i, n]]
        size = height, width
        move = moved_ciou if rules.ciou else moved_squared
        delta[j, i, n, :4] = torch.tensor(move(x, truth, j, i, size, ANCHORS[best_anchor], side, rules))
        delta[j, i, n, 4] = 1 - logistic(x[4])
        delta[j, i, n, 5:] = torch.tensor([(c == label) - logistic(value) for c, value in enumerate(x[5:])])
    return delta


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def decoded(x: list[float], j: int, i: int, size: tuple[int, int], anchor: tuple[int, int], side: int,
            rules: Rules) -> Box:  # fmt: skip
    place = [logistic(value) * rules.scale_xy - (rules.scale_xy - 1) / 2 for value in x[:2]]
    return ((i + place[0]) / size[1], (j + place[1]) / size[0], math.exp(x[2]) * anchor[0] / side,
            math.exp(x[3]) * anchor[1] / side)  # fmt: skip


def overlap(a: Box, b: Box) -> float:
    sides = [min(a[k] + a[k + 2] / 2, b[k] + b[k + 2] / 2) - max(a[k] - a[k + 2] / 2, b[k] - b[k + 2] / 2)
             for k in (0, 1)]  # fmt: skip
    if min(sides) <= 0:
        return 0
    shared = sides[0] * sides[1]
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def moved_squared(x: list[float], truth: Box, j: int, i: int, size: tuple[int, int], anchor: tuple[int, int],
                  side: int, rules: Rules) -> list[float]:  # fmt: skip
    wanted = [truth[0] * size[1] - i, truth[1] * size[0] - j, math.log(truth[2] * side / anchor[0]),
              math.log(truth[3] * side / anchor[1])]  # fmt: skip
    said = [logistic(x[0]), logistic(x[1]), x[2], x[3]]
    return [(2 - truth[2] * truth[3]) * (want - value) for want, value in zip(wanted, said, strict=True)]


def moved_ciou(x: list[float], truth: Box, j: int, i: int, size: tuple[int, int], anchor: tuple[int, int],
               side: int, rules: Rules) -> list[float]:  # fmt: skip
    dx, dy, dw, dh = ciou_gradient(decoded(x, j, i, size, anchor, side, rules), truth)
    return [rules.iou_normalizer * value for value in (dx, dy, dw * math.exp(x[2]), dh * math.exp(x[3]))]


def ciou_gradient(p: Box, g: Box) -> list[float]:
    """``dx_box_iou``, axis by axis: u is the axis, v the other one."""
    low = [(p[u] - p[u + 2] / 2, g[u] - g[u + 2] / 2) for u in (0, 1)]
    high = [(p[u] + p[u + 2] / 2, g[u] + g[u + 2] / 2) for u in (0, 1)]
    inner = [min(high[u]) - max(low[u]) for u in (0, 1)]
    outer = [max(high[u]) - min(low[u]) for u in (0, 1)]
    shared = inner[0] * inner[1]
    union = p[2] * p[3] + g[2] * g[3] - shared
    diagonal = outer[0] ** 2 + outer[1] ** 2
    apart = (p[0] - g[0]) ** 2 + (p[1] - g[1]) ** 2
    angle = math.atan(g[2] / g[3]) - math.atan(p[2] / p[3])
    aspect = 4 / math.pi**2 * angle**2
    alpha = aspect / (1 - shared / union + aspect + 1e-6)
    by_center, by_size = [], []
    for u, v in ((0, 1), (1, 0)):
        slope = []
        for sign, moves in ((-1, low[u][0] > low[u][1]), (1, high[u][0] < high[u][1])):
            of_shared = sign * inner[v] if moves else 0.0
            slope.append((union * of_shared - shared * (sign * p[v + 2] - of_shared)) / union**2)
        beyond_low, beyond_high = float(low[u][0] < low[u][1]), float(high[u][0] > high[u][1])
        touch = float(min(inner) > 0)
        pulls = 2 * (g[u] - p[u]) * diagonal - 2 * outer[u] * (beyond_high - beyond_low) * apart
        by_center.append(touch * sum(slope) + pulls / diagonal**2)
        turn = (1 if u == 0 else -1) * alpha * 8 / math.pi**2 * angle * p[v + 2]
        grows = 2 * outer[u] * (beyond_high + beyond_low) / 2 * apart / diagonal**2
        by_size.append(touch * (slope[1] - slope[0]) + grows + turn)
    return [*by_center, *by_size]


def write(convs: list[tuple[nn.Conv2d, nn.BatchNorm2d | None]], version: tuple[int, int, int]) -> bytes:
    """A .weights file of convolutions in the order of the .cfg file."""
    wide = version[0] * 10 + version[1] >= 2
    parts = [struct.pack("<3i", *version), struct.pack("<q" if wide else "<i", 32013312)]
    for conv, norm in convs:
        tensors = [conv.bias] if norm is None else [norm.bias, norm.weight, norm.running_mean, norm.running_var]
        for tensor in (*tensors, conv.weight):
            assert tensor is not None
            parts.append(struct.pack(f"<{tensor.numel()}f", *tensor.detach().flatten().tolist()))
    return b"".join(parts)
