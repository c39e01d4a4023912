"""Time one ncnn network alone in this process: ``python -m gfl_bench.export.passes``, which a session starts afresh.

Imports ncnn and NumPy only, so that a process has little beside the network in its memory.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np


def main() -> None:
    """PARAM BIN HEIGHT WIDTH OUTPUTS WARM-UP PASSES: prints what ``time_passes`` returns, as JSON."""
    param, weights, *numbers = sys.argv[1:]
    print(json.dumps(time_passes(param, weights, *map(int, numbers))))


def time_passes(
    param: str, weights: str, height: int, width: int, outputs: int, warmup: int, passes: int
) -> dict[str, list[float]]:
    """Milliseconds of each of ``passes``, with one thread, from the image in memory to all ``outputs``.

    Returns:
        by clock: ``processor``, the time that this process had a processor, and ``wall``, with its waiting for one.
    """
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    if net.load_param(param) != 0 or net.load_model(weights) != 0:
        sys.exit(f"ncnn cannot load {param}")
    pixels = np.random.default_rng(0).standard_normal((3, height, width), np.float32)
    image = ncnn.Mat(pixels)  # reads the array itself, which must live as long
    times = [_pass(net, image, outputs) for _ in range(warmup + passes)][warmup:]
    return {"processor": [own for own, _ in times], "wall": [wall for _, wall in times]}


def _pass(net: Any, image: Any, outputs: int) -> tuple[float, float]:
    wall, own = time.perf_counter(), time.process_time()
    extractor = net.create_extractor()
    extractor.input("in0", image)
    for number in range(outputs):
        extractor.extract(f"out{number}")
    return 1000 * (time.process_time() - own), 1000 * (time.perf_counter() - wall)


if __name__ == "__main__":
    main()
