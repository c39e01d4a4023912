"""Videos in and out, by PyAV (the extra ``video``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfl_bench.data.error import DataError

Pixels = NDArray[np.uint8]  # [H, W, 3] RGB
RATE = Fraction(25)  # frames a second, where the file does not tell


def redraw(source: Path, target: Path, drawn: Callable[[int, Pixels], Pixels]) -> None:
    """Write ``target``, an MP4 of the frames of ``source`` as ``drawn`` returns them, given number and pixels.

    Raises:
        DataError: PyAV is not installed, or ``source`` cannot be decoded; what was written until then stays.
    """
    av = _av()
    try:
        with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
            if not reader.streams.video:
                raise DataError(f"{source}: there are no pictures in this file")
            rate = reader.streams.video[0].average_rate or RATE
            _copy(av, reader, writer, rate, drawn)
    except av.error.FFmpegError as error:
        raise DataError(f"{source}: the video cannot be decoded ({error}); leave it out or fetch it again") from error


def _copy(av: Any, reader: Any, writer: Any, rate: Fraction, drawn: Callable[[int, Pixels], Pixels]) -> None:
    stream = None
    for number, frame in enumerate(_frames(reader)):
        pixels = drawn(number, frame)
        height, width = (side - side % 2 for side in pixels.shape[:2])  # colour has half the resolution
        if stream is None:
            stream = writer.add_stream("h264", rate=rate, options={"crf": "20"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        writer.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]))))
    if stream is not None:
        writer.mux(stream.encode())


def _frames(reader: Any) -> Iterator[Pixels]:
    for frame in reader.decode(video=0):
        yield frame.to_ndarray(format="rgb24")


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise DataError("videos need PyAV: pip install 'gfl_bench[video]', or give pictures") from error
    return av
