"""The command line of ``submit``: which runs, as other commands have it, and what a job asks for.

What is not said here has the launcher's value (``conf/hydra/launcher/``), and each of its options can be set in its own
name too: ``hydra.launcher.exclude=node7``; options of sbatch itself are added as Hydra adds,
``+hydra.launcher.additional_parameters.reservation=gfl``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hydra.core.override_parser.types import Quote, QuotedString

from gfl_bench.sweep.arguments import add_selection
from gfl_bench.sweep.extra import spell

LAUNCHER = "hydra.launcher."
# Option of the command line, option of the launcher, what it is.
FLAGS: tuple[tuple[str, str, type, str, str], ...] = (
    ("partition", "partition", str, "NAME", "where"),
    ("account", "account", str, "NAME", "who pays"),
    ("gpus", "gpus_per_node", int, "N", "of a run, and as many processes; 0 for none"),
    ("cpus", "cpus_per_task", int, "N", "cores of a process"),
    ("mem", "mem_gb", int, "GB", "memory of a node"),
    ("time", "timeout_min", int, "MINUTES",
     "limit of a job, by default after what is known of the run's cost; a run that meets it goes on in the next job"),
    ("at-once", "array_parallelism", int, "N", "runs at work at once"),
)  # fmt: skip


def add_options(parser: argparse.ArgumentParser) -> None:
    """All options of ``submit``."""
    add_selection(parser, unnamed="")
    parser.add_argument("--missing", nargs="?", type=Path, const=Path("report/missing.json"), metavar="FILE",
                        help="instead of tables, what a report misses (report/missing.json)")
    parser.add_argument("--canary", action="store_true",
                        help="the cheapest run first; the others begin when it has succeeded")
    parser.add_argument("--dry-run", action="store_true", help="print groups, arrays and commands, submit nothing")
    parser.add_argument("--local", action="store_true", help="processes of this machine, one at a time, without SLURM")
    for flag, _, kind, unit, text in FLAGS:
        parser.add_argument(f"--{flag}", type=kind, metavar=unit, help=text)
    parser.add_argument("--setup", action="append", default=[], metavar="LINE",
                        help="a line of shell before each run, such as 'module load cuda'; may be given again")


def launcher_overrides(options: argparse.Namespace) -> list[str]:
    """What the command line says of the launcher, as Hydra has it."""
    given = ((name, getattr(options, flag.replace("-", "_"))) for flag, name, *_ in FLAGS)
    said = [spell(f"{LAUNCHER}{name}", str(value or "null")) for name, value in given if value is not None]
    if options.setup:
        lines = ",".join(QuotedString(line, Quote.single).with_quotes() for line in options.setup)
        said.append(f"{LAUNCHER}setup=[{lines}]")
    return said + [word for word in options.what if _is_of_launcher(word)]


def tables(options: argparse.Namespace) -> list[str]:
    """Tables and cells that are named."""
    return [word for word in options.what if "=" not in word]


def run_overrides(options: argparse.Namespace) -> list[str]:
    """What holds for every cell."""
    return [word for word in options.what if "=" in word and not _is_of_launcher(word)]


def _is_of_launcher(word: str) -> bool:
    return word.lstrip("+").startswith(LAUNCHER)
