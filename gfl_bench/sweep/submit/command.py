"""``submit``: runs of tables as arrays of SLURM jobs; the command ends as soon as they are queued.

    python -m gfl_bench.sweep submit table05 table11 --scale proxy --partition gpu --canary
    python -m gfl_bench.sweep submit --missing report/missing.json --dry-run

What is finished, under way or queued already is left alone. Jobs run the code of this moment.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gfl_bench.config.paths import expand
from gfl_bench.config.schema import PathsConfig
from gfl_bench.sweep.plan.cost import Costs
from gfl_bench.sweep.screen import print_refused, several
from gfl_bench.sweep.selection import FINISHED, Planned, Selection, SelectionError, plan_runs
from gfl_bench.sweep.submit.dispatch import dispatch, preview
from gfl_bench.sweep.submit.launchers import LauncherError
from gfl_bench.sweep.submit.missing import folder_of_records, missing_runs
from gfl_bench.sweep.submit.options import add_options, launcher_overrides, run_overrides, tables
from gfl_bench.sweep.submit.queue import QueueError, live_jobs, require_slurm
from gfl_bench.sweep.submit.resources import grouped
from gfl_bench.sweep.submit.submission import read_submissions


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``submit``."""
    text = "what is not finished, running or queued, as arrays of SLURM jobs; ends as soon as they are queued"
    parser = commands.add_parser("submit", help=text, description=text)
    add_options(parser)
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Submit; 1 where a cell cannot be run, or SLURM refuses."""
    try:
        runs, selection = _meant(options)
        if not options.dry_run and not options.local:
            require_slurm()
        waiting = _waiting(selection.runs, runs, options.dry_run or options.local)
        costs = Costs(runs)
        groups = grouped(waiting, "local" if options.local else "slurm", launcher_overrides(options), costs.of)
        canary = _cheapest(waiting, costs) if options.canary and waiting else None
        if options.dry_run:
            preview(groups, canary)
        elif waiting:
            dispatch(runs, groups, canary, options.local)
    except (QueueError, LauncherError) as error:
        print(error, file=sys.stderr)
        return 1
    return print_refused(selection.refused)


def _meant(options: argparse.Namespace) -> tuple[Path, Selection]:
    """The folder of the records, and the runs that are asked for."""
    names = tables(options)
    if bool(names) == (options.missing is not None):
        raise SelectionError("name tables or cells, such as table05, or say --missing; not both")
    if options.canary and options.local:
        raise SelectionError("--canary is SLURM's: on this machine, one run begins after the other anyway")
    if names:
        selection = plan_runs(names, options.scale, options.seeds, run_overrides(options), options.runs)
        return expand(str(options.runs)), selection
    told = folder_of_records(options.missing) if str(options.runs) == PathsConfig.runs else str(options.runs)
    return expand(told), missing_runs(options.missing)


def _waiting(planned: Sequence[Planned], runs: Path, without_slurm: bool) -> list[Planned]:
    """Those that somebody has to begin."""
    queued = _queued(runs, without_slurm)
    todo = [run for run in planned if run.state not in (*FINISHED, "running") and run.folder not in queued]
    waiting = {run.folder for run in todo}
    counts = Counter("queued" if run.folder in queued else run.state for run in planned if run.folder not in waiting)
    left = [f"{count} {word}" for word, count in counts.items()]
    print(f"{several(len(planned), 'run')} in {runs}: {', '.join([*left, f'{len(todo)} to submit'])}")
    return todo


def _queued(runs: Path, without_slurm: bool) -> set[Path]:
    submissions = read_submissions(runs)
    try:
        live = live_jobs(submissions)
    except QueueError as error:
        if not without_slurm:
            raise
        print(f"What is queued is not known: {error}", file=sys.stderr)
        return set()
    return {runs / task.folder for one in submissions for task in one.tasks if task.job in live}


def _cheapest(waiting: Sequence[Planned], costs: Costs) -> Planned:
    known = {run.folder: costs.of(run) for run in waiting}
    return min(waiting, key=lambda run: math.inf if (cost := known[run.folder]) is None else cost.seconds)
