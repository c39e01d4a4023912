"""What General Distribution and DGQP cost: ResNet-50 at 320 x 320, each against Dirac ATSS with the joint score.

    python -m benchmarks.variants [--rounds N]

The paper's claim is that they cost nothing (Tables 11 to 13: 19.4 images/s in every row).
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.interleave import interleave, report
from benchmarks.passes import detection, training_step

CELLS = {"Dirac": "table11.qfl", "General + DFL": "table11.qfl_dfl", "General + DFL + DGQP": "table11.gfocal"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    for title, build in (("training step, 2 x 320 x 320", training_step), ("inference, 800 x 1216", detection)):
        candidates = {name: build([f"cell={cell}"], True, channels_last=True) for name, cell in CELLS.items()}
        print(report(f"{title}, bf16, {torch.get_num_threads()} threads", interleave(candidates, rounds), "Dirac"))


if __name__ == "__main__":
    main()
