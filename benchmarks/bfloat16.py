"""What bfloat16 costs here against float32: as gfl_bench computes it, and as torch's own convolutions do.

    python -m benchmarks.bfloat16 [--rounds N]

On a processor with units for bfloat16 the last two are the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from unittest.mock import patch

import torch

from benchmarks.interleave import interleave, report
from benchmarks.passes import detection, training_step

CELL = ["cell=table11.gfocal"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    for title, build in (("training step, 2 x 320 x 320", training_step), ("inference, 800 x 1216", detection)):
        fp32, bf16 = (build(CELL, precise, channels_last=True) for precise in (False, True))
        candidates = {"fp32": fp32, "bf16": bf16, "bf16, torch's own": _own(bf16)}
        print(report(f"{title}, {torch.get_num_threads()} threads", interleave(candidates, rounds), "fp32"))


def _own(work: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with patch("gfl_bench.engine.device.has_units", return_value=True):
            return work()

    return run


if __name__ == "__main__":
    main()
