"""``plan``: what some tables would cost before anything runs.

    python -m gfl_bench.sweep plan table05 table11 --scale proxy --runs runs
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table

from gfl_bench.config.paths import expand
from gfl_bench.sweep.arguments import add_selection, named, selected
from gfl_bench.sweep.plan import disk
from gfl_bench.sweep.plan.cost import Cost, Costs
from gfl_bench.sweep.plan.duration import hours
from gfl_bench.sweep.screen import console, print_refused, several, without_empty
from gfl_bench.sweep.selection import FINISHED, Planned

UNMEASURED = "nothing: none like it was measured"
UNCOUNTED = "nothing: how many images an epoch has is not known before one is done"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``plan``."""
    text = "runs, what is finished of them, and what the rest will take; exits 1 where a cell cannot be run"
    parser = commands.add_parser("plan", help=text, description=text)
    add_selection(parser)
    parser.add_argument("--hardware", default="", metavar="NAME",
                        help="estimate for the machine with NAME in its name (by default that of the newest record)")
    parser.set_defaults(func=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan; 1 where a cell does not validate."""
    selection, costs = selected(options), Costs(expand(str(options.runs)), options.hardware)
    plan = Plan(selection.runs, costs)
    screen = console()
    screen.print(f"scale {options.scale}, records in {options.runs}: {plan.counts()}", soft_wrap=True)
    if plan.runs:
        screen.print("", _table(plan, by_cell=named(options) is not None), "", sep="\n")
    for line in (*plan.bases(), plan.space(disk.free(expand(str(options.runs))))):
        screen.print(line, soft_wrap=True)
    return print_refused(selection.refused)


@dataclass(frozen=True)
class Total:
    """Of some runs that are still to be run; those of unknown cost left out."""

    seconds: float
    low: float
    high: float
    unknown: int


class Plan:
    """Runs with their costs."""

    def __init__(self, runs: Sequence[Planned], costs: Costs) -> None:
        self.runs, self.costs = runs, costs
        self.todo = [one for one in runs if one.state not in FINISHED and one.state != "running"]
        self._cost = {one.folder: costs.of(one) for one in self.todo}
        self._disk = disk.Disk(costs.measured)

    def counts(self) -> str:
        """``5 cells, 15 runs``, each once though several tables share it."""
        return f"{several(len({one.folder.parent for one in self.runs}), 'cell')}, {several(len(self.runs), 'run')}"

    def cost(self, run: Planned) -> Cost | None:
        return self._cost[run.folder]

    def total(self, runs: Sequence[Planned]) -> Total:
        """The ends are sums too, as if all erred alike: the machine's load is common to all runs."""
        known = [cost for one in runs if (cost := self._cost.get(one.folder)) is not None]
        unknown = sum(one.folder in self._cost and self._cost[one.folder] is None for one in runs)
        low, middle, high = (sum(getattr(cost, name) for cost in known) for name in ("low", "seconds", "high"))
        return Total(middle, low, high, unknown)

    def bases(self) -> Iterator[str]:
        """What the costs were concluded from, and which machine they are of."""
        found = Counter(self._reason(one) for one in self.todo)
        if found:
            yield "Costs of " + "; ".join(f"{count} from {reason}" for reason, count in found.most_common()) + "."
        if self.costs.hardware is not None and found.keys() - {UNMEASURED, UNCOUNTED}:
            yield f"They are of {self.costs.hardware.name}; 80 % intervals, added up as if all erred alike."

    def _reason(self, run: Planned) -> str:
        cost = self.cost(run)
        if cost is not None:
            return cost.basis
        return UNCOUNTED if self.costs.steps(run.config) is None else UNMEASURED

    def space(self, left: int) -> str:
        """Disk needed, and ``left``; bytes."""
        sizes = [self._disk.of(one) for one in self.todo]
        known = [size for size in sizes if size is not None]
        more = f", {len(sizes) - len(known)} runs of unknown size not counted" if len(known) < len(sizes) else ""
        return f"Disk: {disk.in_words(sum(known))} to come{more}; {disk.in_words(left)} left."


def _table(plan: Plan, by_cell: bool) -> Table:
    """A line for each cell or each table, and one for all, in which no run counts twice."""
    unit = f"{plan.costs.hardware.unit}-hours" if plan.costs.hardware else "hours"
    first = "cell" if by_cell else "table"
    groups = _cells(plan.runs) if by_cell else _tables(plan.runs)
    rows = [
        {first: name, **_counts(runs), **_sharing(name, runs, by_cell), unit: _hours(plan, runs)}
        for name, runs in groups.items()
    ]
    rows.append({first: "all", **_counts(plan.runs), "shared": "", "also in": "", unit: _hours(plan, plan.runs)})
    return without_empty(rows, [name for name in rows[0] if name not in (first, "also in")])


def _sharing(name: str, runs: Sequence[Planned], by_cell: bool) -> dict[str, str]:
    """The other tables of a cell, or how many runs of a table stand in others too."""
    others = ", ".join(table for table in runs[0].tables if table != name.partition(".")[0])
    shared = sum(len(one.tables) > 1 for one in runs)
    return {"shared": "", "also in": others} if by_cell else {"shared": str(shared or ""), "also in": ""}


def _cells(runs: Sequence[Planned]) -> dict[str, list[Planned]]:
    found: dict[str, list[Planned]] = {}
    for one in runs:
        found.setdefault(one.cell, []).append(one)
    return found


def _tables(runs: Sequence[Planned]) -> dict[str, list[Planned]]:
    found: dict[str, list[Planned]] = {}
    for one in runs:
        for table in one.tables:
            found.setdefault(table, []).append(one)
    return dict(sorted(found.items()))


def _counts(runs: Sequence[Planned]) -> dict[str, str]:
    finished, running = (sum(one.state in states for one in runs) for states in (FINISHED, ("running",)))
    numbers = {"runs": len(runs), "finished": finished, "running": running, "to run": len(runs) - finished - running}
    return {name: str(number or "") for name, number in numbers.items()}


def _hours(plan: Plan, runs: Sequence[Planned]) -> str:
    """``1.2 (0.8 to 2.1)``; a question mark where some are unknown."""
    total, machine = plan.total(runs), plan.costs.hardware
    if machine is None or not total.seconds:
        return "?" if total.unknown else ""
    value, low, high = (hours(seconds * machine.units) for seconds in (total.seconds, total.low, total.high))
    return f"{value} ({low} to {high}){' + ?' if total.unknown else ''}"
