"""The one size that a network is exported for."""

from __future__ import annotations

from gfl_bench.config.schema import DataConfig, Resize, Scenes
from gfl_bench.data.loader import DIVISOR
from gfl_bench.export.error import ExportError


def input_size(data: DataConfig) -> tuple[int, int]:
    """(height, width) of the padded images, where these have one size.

    Raises:
        ExportError: they have several.
    """
    if not isinstance(data, Scenes) and data.resize is Resize.short_edge:
        raise ExportError(
            f"data={data.name} has images of many sizes after resizing: give --size HEIGHTxWIDTH, a multiple of "
            f"{DIVISOR} each, that holds those that you mean"
        )
    side = -(-data.size // DIVISOR) * DIVISOR
    return side, side
