"""How a sweep goes, on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gfl_bench.sweep.plan.duration import in_words
from gfl_bench.sweep.screen import STYLES, columns, several
from gfl_bench.sweep.selection import FINISHED
from gfl_bench.sweep.status.eta import Eta, Left, left_of
from gfl_bench.sweep.status.watch import TROUBLE, Watched, counted

WORDS = {"absent": "to run"}  # where the state is not the word
SHOWN = 10  # runs of each list: the rest is counted, so that all stays one screen


def board(runs: Path, watched: Sequence[Watched], eta: Eta | None, fault: str) -> Group:
    """All of it; ``fault`` is why the queue says nothing."""
    finished = sum(one.state in FINISHED for one in watched)
    parts: list[RenderableType] = [Text(f"{several(len(watched), 'run')}, records in {runs}", overflow="fold")]
    parts += [_states(watched), _bar(finished, len(watched), 40), Text(_eta_words(eta, len(watched) - finished))]
    parts += [Text(fault, style="yellow")] if fault else []
    parts += _section("running", _running(watched), _count(watched, "running"))
    for state in (*TROUBLE, "preempted", "queued"):
        parts += _section(state, _others(watched, state), _count(watched, state))
    return Group(*parts)


def _states(watched: Sequence[Watched]) -> Text:
    words = [Text(f"{number} {WORDS.get(state, state)}", STYLES[state]) for state, number in counted(watched)]
    return Text(", ").join(words)


def _bar(done: int, total: int, width: int) -> Text:
    """Drawn with characters, so that it is the same in a file."""
    full = round(width * done / total) if total else 0
    return Text.assemble(("█" * full, "green"), ("░" * (width - full), "dim"), f" {done}/{total}")


def _eta_words(eta: Eta | None, unfinished: int) -> str:
    if not unfinished:
        return "All is done."
    if eta is None:
        return "No time of its end: nothing runs, or nothing is known of how long runs take."
    interval = f" ({in_words(eta.low)} to {in_words(eta.high)})" if eta.low < eta.high else ""
    guessed = f"; {several(eta.guessed, 'run')} of unknown cost taken for the mean" if eta.guessed else ""
    return f"To the end {in_words(eta.seconds)}{interval}, with {eta.at_work} at a time{guessed}."


def _section(title: str, lines: RenderableType, count: int) -> list[RenderableType]:
    if not count:
        return []
    more = [Text(f"and {count - SHOWN} more", "dim")] if count > SHOWN else []
    return [Text(f"\n{WORDS.get(title, title)}", STYLES[title]), lines, *more]


def _running(watched: Sequence[Watched]) -> Table:
    lines = columns("name", "bar", "pace", whole=("bar", "pace"), show_header=False)
    for one in [one for one in watched if one.state == "running"][:SHOWN]:
        left = left_of(one, None)
        bar = _bar(one.step, one.steps, 8) if one.steps else Text("before its first step")
        lines.add_row(_name(one), bar, _pace(one, left))
    return lines


def _pace(one: Watched, left: Left | None) -> str:
    """``3.5 steps/s, 2 min left``."""
    if one.steps and one.step >= one.steps:
        return "measuring"
    return f"{one.rate:.2g} steps/s, {in_words(left.seconds)} left" if one.rate and left else ""


def _others(watched: Sequence[Watched], state: str) -> Group:
    """What is wrong with each, and where more is said of it."""
    lines: list[Text] = []
    for one in [one for one in watched if one.state == state][:SHOWN]:
        lines.append(Text(": ".join(filter(None, (_name(one), one.words))), overflow="fold"))
        if one.log and state in TROUBLE:
            lines.append(Text(f"  {one.log}", "dim", overflow="fold"))
    return Group(*lines)


def _name(one: Watched) -> str:
    return f"{one.run.cell} seed {one.run.seed}"


def _count(watched: Sequence[Watched], state: str) -> int:
    return sum(one.state == state for one in watched)
