"""Quality read from features at some locations: the seven convolutional guidances of Fig. 5 and Table 9.

They differ in where they look and are otherwise DGQP: the features of P places, one after the other [P * F], go through
a linear layer to d, ReLU, a linear layer to 1 and a sigmoid. The first layer and the bilinear reading are both linear
and so may change places: the layer is applied to the whole map, once, and each place is then read from its own d
channels. This is the same sum, and reads a quarter of the numbers for F = 256 and d = 64.

Where the points lie follows the predicted box but is not differentiated, except for the learnt offsets of
``DeformableGuidance``. Points outside the map read 0, which is what the tower's ReLU says where it finds nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from gfl_bench.config import schema
from gfl_bench.models.guidance import locations
from gfl_bench.models.points.bilinear import sum_of_points
from gfl_bench.models.points.largest import largest_of_points
from gfl_bench.structures import Probabilities


class SampledGuidance(nn.Module, ABC):
    """Two layers over the features of P = ``places`` places, each the pooled value of its K points.

    Args:
        channels: F, of the regression tower's features.
    """

    def __init__(self, config: schema.SampledGuidance, channels: int, places: int) -> None:
        super().__init__()
        self.places = places
        self.read = nn.Conv2d(channels, places * config.d, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(config.d, 1, 1))  # one for all places, of the hidden layer
        self.score = nn.Conv2d(config.d, 1, 1)

    def forward(self, features: Tensor, distances: Tensor) -> Probabilities:
        """Quality [B, H, W, 1] in (0, 1), float32 also under autocast.

        Args:
            features: [B, F, H, W], the regression tower's output; gradients may flow into it.
            distances: [B, H, W, 4] float32, (l, t, r, b) of the predicted box from each location in strides, which are
                cells of this level. They say where to look, and no gradient flows into them.
        """
        maps = self.read(features)
        with torch.autocast(features.device.type, enabled=False):
            hidden = self._pool(maps, self._offsets(features.float(), distances.detach().float())) + self.bias
            quality = self.score(hidden.relu()).sigmoid()
        return Probabilities(quality.permute(0, 2, 3, 1))

    @abstractmethod
    def _offsets(self, features: Tensor, distances: Tensor) -> Tensor:
        """(dx, dy) [B, H, W, P, K, 2] in cells from each location to the points of its places."""

    def _pool(self, maps: Tensor, offsets: Tensor) -> Tensor:
        """[B, P * d, H, W] -> [B, d, H, W] float32: the mean of a place's points, then the sum over the places."""
        return sum_of_points(maps, offsets) / offsets.shape[4]


class PointGuidance(SampledGuidance):
    """(a) A dot at the location itself: P = K = 1. Nothing has to be searched for, and the box plays no part."""

    def __init__(self, config: schema.SampledGuidance, channels: int) -> None:
        super().__init__(config, channels, places=1)

    def _offsets(self, features: Tensor, distances: Tensor) -> Tensor:
        return distances.new_zeros(*distances.shape[:3], 1, 1, 2)

    def _pool(self, maps: Tensor, offsets: Tensor) -> Tensor:
        return maps.float()


class BoxGuidance(SampledGuidance):
    """Looks at fixed points of the predicted box, which ``table`` [P, K, 4] names as ``locations`` has them."""

    table: ClassVar[Tensor]
    points: Tensor

    def __init__(self, config: schema.SampledGuidance, channels: int) -> None:
        super().__init__(config, channels, places=len(self.table))
        self.register_buffer("points", self.table, persistent=False)

    def _offsets(self, features: Tensor, distances: Tensor) -> Tensor:
        return locations.offsets_to(self.points, distances)


class RegionGuidance(BoxGuidance):
    """(b) The predicted box's whole area: RoIAlign of 3 x 3 bins (P = 9), each the mean of 2 x 2 points (K = 4)."""

    table = locations.bins(3, 2)


class BorderDenseGuidance(BoxGuidance):
    """(c) A dotted outline: 5 points on each border from corner to corner, corners shared, so P = 16; K = 1."""

    table = locations.borders(5)[:, :-1].reshape(16, 1, 4)


class BorderMiddleGuidance(BoxGuidance):
    """(d) One dot in the middle of each border of the predicted box: P = 4, K = 1."""

    table = locations.borders(3)[:, 1:2]


class BorderExtremeGuidance(BoxGuidance):
    """(e) On each border the point that answers most: P = 4, K = 11.

    As BorderAlign has it (Qiu et al., 2020): a border has its own channels, and in each of them the largest of 11
    regular points counts, corners included. Channels may so have their extreme points in different places.
    """

    table = locations.borders(11)

    def _pool(self, maps: Tensor, offsets: Tensor) -> Tensor:
        return largest_of_points(maps, offsets).unflatten(1, (self.places, -1)).sum(dim=1)


class RegularStarGuidance(BoxGuidance):
    """(f) A star in the predicted box, as VFNet has it (Zhang et al., 2021): P = 9, K = 1.

    The location, the four points of the borders straight to the left, above, to the right and below of it, and the
    four corners.
    """

    table = locations.star()


class DeformableGuidance(SampledGuidance):
    """(g) Dots wherever learning puts them: P = 9, K = 1.

    A 3 x 3 convolution of the features predicts (dx, dy) in cells of each of the points (Dai et al., 2017), counted as
    in RepPoints (Yang et al., 2019) from the location, where all of them begin. The box plays no part.
    """

    def __init__(self, config: schema.SampledGuidance, channels: int) -> None:
        super().__init__(config, channels, places=9)
        self.conv_offset = nn.Conv2d(channels, 2 * self.places, 3, padding=1)

    def _offsets(self, features: Tensor, distances: Tensor) -> Tensor:
        offsets: Tensor = self.conv_offset(features).unflatten(1, (self.places, 1, 2))
        return offsets.permute(0, 4, 5, 1, 2, 3)
