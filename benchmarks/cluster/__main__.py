"""Sweeps of many sizes: the login node, the scheduler, the files.

    python -m benchmarks.cluster records --sizes 100,1000,10000
    python tests/cluster/lab.py up FOLDER && . FOLDER/environment.sh    # or any SLURM that has room for trivial jobs
    python -m benchmarks.cluster scheduler --sizes 100,1000,3000
    scontrol create partition=waiting Nodes=ALL State=DOWN
    python -m benchmarks.cluster submissions --sizes 100,1000,3000

A cluster needs no nodes that compute: jobs wait, or do nothing.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

COMMANDS = ("records", "scheduler", "submissions")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"benchmarks.cluster.{name}")
        command = commands.add_parser(name, help=str(module.__doc__).splitlines()[0])
        command.add_argument("--sizes", type=_sizes, default=[100, 1000], metavar="100,1000", help="runs, or jobs")
        command.set_defaults(run=lambda options, report=module.report: print(report(options.sizes)))
    study = commands.add_parser("study", help="write the records of a study in the making")
    study.add_argument("folder", type=Path)
    study.add_argument("size", type=int)
    study.set_defaults(run=_study)
    options = parser.parse_args()
    options.run(options)


def _study(options: argparse.Namespace) -> None:
    from benchmarks.cluster.study import write_study

    write_study(options.folder, options.size)


def _sizes(text: str) -> list[int]:
    return sorted({int(size) for size in text.split(",")})


if __name__ == "__main__":
    main()
