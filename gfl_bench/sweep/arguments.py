"""The part of the command line that says which runs are meant; several commands share it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from gfl_bench.config.schema import PathsConfig
from gfl_bench.sweep.selection import Selection, plan_runs

SCALE = "demo"  # as conf/config.yaml has it


def add_selection(parser: argparse.ArgumentParser, unnamed: str = "; all tables where none is named") -> None:
    """Tables or cells, overrides of every cell, ``--scale``, ``--seeds`` and ``--runs``.

    Args:
        unnamed: for people, what no table means.
    """
    parser.add_argument(
        "what", nargs="*", metavar="TABLE or OVERRIDE",
        help=f"table05, table05.beta2, ...{unnamed}. schedule=2x, data.size=240, ... hold for every cell",
    )  # fmt: skip
    parser.add_argument("--scale", default=SCALE, help=f"smoke, demo, proxy or paper ({SCALE})")
    parser.add_argument("--seeds", type=seeds, metavar="0,1,2", help="also 0-4; by default those of each table")
    add_runs(parser)


def add_runs(parser: argparse.ArgumentParser) -> None:
    """``--runs``."""
    parser.add_argument("--runs", type=Path, default=Path(PathsConfig.runs), metavar="DIR",
                        help=f"folder of the records ({PathsConfig.runs})")


def selected(options: argparse.Namespace) -> Selection:
    """The runs that are meant.

    Raises:
        SelectionError: there is no such table or cell.
        ExtraError: an override that cannot be added to every cell.
    """
    return plan_runs(named(options), options.scale, options.seeds, overrides(options), options.runs)


def named(options: argparse.Namespace) -> list[str] | None:
    """Tables and cells that are named; None is every table."""
    return [word for word in options.what if "=" not in word] or None


def overrides(options: argparse.Namespace) -> list[str]:
    """What holds for every cell."""
    return [word for word in options.what if "=" in word]


def seeds(text: str) -> Sequence[int]:
    """``0,1,2`` or ``0-2``."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise argparse.ArgumentTypeError(f"{text} are no seeds such as 0,1,2 or 0-4")
        found += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(found))
