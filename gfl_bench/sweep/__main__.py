"""Sweeps as a whole: ``python -m gfl_bench.sweep {list,plan,submit,status,why}``. Nothing here imports torch."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gfl_bench.sweep import listing
from gfl_bench.sweep.extra import ExtraError
from gfl_bench.sweep.plan import command as plan
from gfl_bench.sweep.selection import SelectionError
from gfl_bench.sweep.status import command as status
from gfl_bench.sweep.submit import command as submit
from gfl_bench.sweep.validity import SweepError
from gfl_bench.sweep.why import command as why

MISTAKE = 2  # exit code of a command line that cannot be understood, as argparse has it


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command; 2 where it cannot be understood."""
    parser = argparse.ArgumentParser(prog="gfl-bench-sweep", description="The paper's tables as sweeps of runs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (listing, plan, submit, status, why):
        module.add_parser(commands)
    options = _parse(parser, arguments)
    try:
        return int(options.func(options))
    except (SelectionError, ExtraError, SweepError) as error:
        print(error, file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt:
        return 130


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Also tables and overrides that stand behind an option, which argparse leaves over."""
    options, rest = parser.parse_known_args(arguments)
    unknown = [word for word in rest if word.startswith("-") or not hasattr(options, "what")]
    if unknown:
        parser.error(f"unknown {' '.join(unknown)}")
    if rest:
        options.what = [*options.what, *rest]
    return options


if __name__ == "__main__":
    sys.exit(main())
