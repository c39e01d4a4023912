"""What each row of a table costs: parameters, FLOPs, a training step, an image, memory; each against one of the rows.

    python benchmarks/rows.py table12 atss [--rounds N]    # base detectors, with and without GFocal
    python benchmarks/rows.py table13 atss_joint
    python benchmarks/rows.py table09 none                 # guidances

ResNet-50 (what the row says otherwise), 80 classes, random weights, bf16, channels_last. Training: forward, loss and
backward of 2 images of 320 x 320. Inference: an image of 800 x 1216, post-processing included, with the threshold set
so that 1,000 class scores pass, about what a trained detector has. Memory: the most that is live at once in a training
step, without parameters. Beside each speed stands the paper's ratio of images a second, where it has one.
"""

from __future__ import annotations

import argparse

import torch
from assignment import peak_megabytes
from interleave import interleave, ratio
from tabulate import tabulate
from torchvision_detectors import our_detector, our_pass, our_step

from gfl_bench.config.paths import sweeps_folder
from gfl_bench.speed import count_flops, count_parameters
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Table

PASSING = 1000
HEAD = ["", "parameters, M", "GFLOPs, 800 x 1216", "step, ms", "speed", "image, ms", "speed", "paper's", "memory, MB"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("baseline", help="name of the row that is 1.00")
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    torch.manual_seed(0)
    table = load_tables(sweeps_folder())[options.table]
    cells = {row.name: table.cell(row).name for row in table.rows}
    steps = {name: our_step(cell, True, channels_last=True) for name, cell in cells.items()}
    passes = {name: our_pass(cell, True, channels_last=True, passing=PASSING) for name, cell in cells.items()}
    trained, detected = interleave(steps, options.rounds), interleave(passes, options.rounds)
    rows = [
        [
            name, *_size(cells[name]), f"{trained[name].median * 1000:.0f}",
            f"{ratio(trained[options.baseline], trained[name]):.2f}", f"{detected[name].median * 1000:.0f}",
            f"{ratio(detected[options.baseline], detected[name]):.2f}", _papers(table, name, options.baseline),
            f"{peak_megabytes(steps[name]):.0f}",
        ]
        for name in cells
    ]  # fmt: skip
    print(f"{table.title}, {torch.get_num_threads()} threads; speed, {options.baseline} = 1\n")
    print(tabulate(rows, HEAD, tablefmt="pipe", disable_numparse=True))


def _size(cell: str) -> tuple[str, str]:
    detector = our_detector(cell, channels_last=True)
    flops = count_flops(detector, torch.zeros(1, 3, 800, 1216))
    return f"{count_parameters(detector) / 1e6:.2f}", f"{flops / 1e9:.0f}"


def _papers(table: Table, name: str, baseline: str) -> str:
    """The paper's images a second, as a ratio to the baseline's."""
    if "FPS" not in table.columns:
        return ""
    values = {row.name: row.paper[table.columns.index("FPS")] for row in table.rows}
    ours, base = values[name], values[baseline]
    return "" if ours is None or base is None else f"{ours / base:.2f}"


if __name__ == "__main__":
    main()
