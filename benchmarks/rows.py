"""What rows of a table cost: parameters, FLOPs, a training step, an image, memory; each against one of the rows.

    python -m benchmarks.rows detectors atss [--rounds N]    # every detector as it was published
    python -m benchmarks.rows table12 atss                   # base detectors, with and without GFocal
    python -m benchmarks.rows table13 atss_joint
    python -m benchmarks.rows table09 none                   # guidances

ResNet-50 (what the row says otherwise), 80 classes, random weights, bf16, channels_last. Training: forward, loss and
backward of 2 images of 320 x 320. Inference: an image of 800 x 1216, post-processing included, with the threshold set
so that 1,000 class scores pass, about what a trained detector has. Memory: the most that is live at once in a training
step, without parameters. Beside each speed stands the paper's: of hours of training, and of images a second.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import median

import torch
from tabulate import tabulate

from benchmarks.interleave import interleave, times_as_fast
from benchmarks.memory import peak_megabytes
from benchmarks.passes import build, detection, training_step
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.speed import count_flops, count_parameters
from gfl_bench.sweep.files import load_tables
from gfl_bench.sweep.table import Table

PASSING = 1000
PUBLISHED = {  # quality and neck of each detector where they are not none and FPN; boxes are Dirac
    "atss": "quality=centerness_branch", "retinanet": "", "retinanet_a9": "", "fcos": "quality=centerness_branch",
    "fcos_plain": "quality=centerness_branch", "foveabox": "", "ssd512": "neck=ssd backbone=vgg16",
    "reppoints_v2": "", "paa": "quality=iou_branch", "borderdet": "quality=centerness_branch",
    "vfnet": "quality=joint quality.loss=varifocal quality.box_weight=iou",
    "nanodet": "quality=joint box=general_dfl box.n=7 neck=pan backbone=shufflenet_v2",
    "yolov3_tiny": "neck=yolo_tiny backbone=darknet_tiny", "yolov4_tiny": "neck=yolo_tiny backbone=csp_darknet_tiny",
}  # fmt: skip
SPEED = ["speed", "paper's"]
HEAD = ["", "parameters, M", "GFLOPs, 800 x 1216", "step, ms", *SPEED, "image, ms", *SPEED, "memory, MB"]


@dataclass(frozen=True)
class Printed:
    """The paper's numbers of some rows, by row."""

    fps: dict[str, float]
    hours: dict[str, float]  # of training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", help="a table's name, or detectors")
    parser.add_argument("baseline", help="name of the row that is 1.00")
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    torch.manual_seed(0)
    overrides, printed = _detectors() if options.table == "detectors" else _rows(options.table)
    print(f"{options.table}, {torch.get_num_threads()} threads; speed, {options.baseline} = 1\n")
    rows = measure(overrides, printed, options.baseline, options.rounds)
    print(tabulate(rows, HEAD, tablefmt="pipe", disable_numparse=True))


def measure(overrides: dict[str, list[str]], printed: Printed, baseline: str, rounds: int) -> list[list[str]]:
    """A line for each configuration of ``overrides``."""
    steps = {name: training_step(parts, True, channels_last=True) for name, parts in overrides.items()}
    passes = {name: detection(parts, True, channels_last=True, passing=PASSING) for name, parts in overrides.items()}
    trained, detected = interleave(steps, rounds), interleave(passes, rounds)
    return [
        [
            name, *_size(overrides[name]), f"{median(trained[name]):.0f}", times_as_fast(trained, name, baseline),
            _ratio(printed.hours, baseline, name), f"{median(detected[name]):.0f}",
            times_as_fast(detected, name, baseline), _ratio(printed.fps, name, baseline),
            f"{peak_megabytes(steps[name]):.0f}",
        ]
        for name in overrides
    ]  # fmt: skip


def _ratio(values: dict[str, float], name: str, other: str) -> str:
    return f"{values[name] / values[other]:.2f}" if {name, other} <= values.keys() else ""


def _detectors() -> tuple[dict[str, list[str]], Printed]:
    parts = {
        name: [f"detector={name}", "quality=none", "box=dirac", "guidance=none", *own.split()]
        for name, own in PUBLISHED.items()
    }
    tables = load_tables(sweeps_folder())
    base, cost = tables["table12"], tables["table13"]
    hours = _column(cost, "training_hours")
    hours["atss"] = hours["atss_joint"]  # the paper's ATSS there
    return parts, Printed(_column(cost, "FPS") | _column(base, "FPS"), hours)


def _rows(name: str) -> tuple[dict[str, list[str]], Printed]:
    table = load_tables(sweeps_folder())[name]
    cells = {row.name: [f"cell={table.cell(row).name}"] for row in table.rows}
    return cells, Printed(_column(table, "FPS"), _column(table, "training_hours"))


def _column(table: Table, name: str) -> dict[str, float]:
    if name not in table.columns:
        return {}
    printed = {row.name: row.paper[table.columns.index(name)] for row in table.rows}
    return {row: value for row, value in printed.items() if value is not None}


def _size(overrides: list[str]) -> tuple[str, str]:
    detector = build(overrides, channels_last=True)
    flops = count_flops(detector, torch.zeros(1, 3, 800, 1216))
    return f"{count_parameters(detector) / 1e6:.2f}", f"{flops / 1e9:.0f}"


if __name__ == "__main__":
    main()
