"""``status``: one screen on how a sweep goes, which a terminal can watch.

    python -m gfl_bench.sweep status --runs runs --live
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from gfl_bench.config.paths import expand
from gfl_bench.sweep.arguments import add_selection, selected
from gfl_bench.sweep.plan.cost import Costs
from gfl_bench.sweep.screen import console, print_refused
from gfl_bench.sweep.selection import FINISHED, Planned, state_of
from gfl_bench.sweep.status.board import board
from gfl_bench.sweep.status.eta import estimate
from gfl_bench.sweep.status.queued import read_queue
from gfl_bench.sweep.status.recorded import recorded
from gfl_bench.sweep.status.watch import watch

PAUSE = 3.0  # seconds between two looks, at least
SHARE = 0.1  # of the time that looking may take


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``status``."""
    text = "how far a sweep is: of the tables named, else of every run that is recorded or submitted"
    parser = commands.add_parser("status", help=text, description=text)
    add_selection(parser, unnamed="; all that is recorded or submitted where none is named")
    parser.add_argument("--live", action="store_true", help="look again every few seconds, on a terminal")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Print the screen, once or until all is done; 1 where a cell does not validate."""
    selection = selected(options) if options.what else None
    watcher = Watcher(expand(str(options.runs)), selection.runs if selection else None)
    screen = console()
    if options.live and screen.is_terminal:
        _live(screen, watcher)
    else:
        screen.print(watcher.look())
    return print_refused(selection.refused if selection else [])


class Watcher:
    """Looks at ``runs``; at ``planned`` alone if that is given.

    What runs cost is concluded anew when one more is finished.
    """

    def __init__(self, runs: Path, planned: Sequence[Planned] | None = None) -> None:
        self._runs, self._planned = runs, planned
        self._costs, self._finished = Costs(runs), -1
        self.unfinished = 0

    def look(self) -> RenderableType:
        """The screen as of now."""
        queue = read_queue(self._runs)
        if self._planned is None:
            now = recorded(self._runs, queue)
        else:
            now = [replace(one, state=state_of(one.folder)) for one in self._planned]
        watched = watch(now, queue)
        finished = sum(one.state in FINISHED for one in watched)
        if finished != self._finished:
            self._costs, self._finished = Costs(self._runs), finished
        self.unfinished = len(watched) - finished
        return board(self._runs, watched, estimate(watched, self._costs), queue.fault)


def _live(screen: Console, watcher: Watcher) -> None:
    """Until nothing is unfinished, or Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt), Live(console=screen, auto_refresh=False) as live:
        took = _show(live, watcher)
        while watcher.unfinished:
            time.sleep(max(PAUSE, took / SHARE))
            took = _show(live, watcher)


def _show(live: Live, watcher: Watcher) -> float:
    """Look, and say how many seconds that took."""
    start = time.monotonic()
    live.update(watcher.look(), refresh=True)
    return time.monotonic() - start
