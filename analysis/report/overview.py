"""What the head of the report says of all runs: how many, on which machines, with which code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.report.provenance import code, packages
from analysis.report.records import Records
from gfl_bench.results.store import Runs

LISTED = 6  # machines, versions; the rest is counted


@dataclass(frozen=True)
class Overview:
    """Runs by state; machines, code and packages as words, the most frequent first."""

    counts: tuple[tuple[str, int], ...]
    machines: tuple[str, ...]
    code: tuple[str, ...]
    packages: tuple[str, ...]


def overview(runs: Runs, records: Records) -> Overview:
    """Of code and packages what the records behind the tables say."""
    counts = runs.frame["state"].value_counts()
    return Overview(
        counts=tuple((str(state), int(count)) for state, count in counts.items() if count),
        machines=_frequent(runs.frame["hardware"].dropna()),
        code=_frequent(map(code, records.read)),
        packages=_frequent(map(packages, records.read)),
    )


def _frequent(words: Iterable[str]) -> tuple[str, ...]:
    times: dict[str, int] = {}
    for word in filter(None, words):
        times[word] = times.get(word, 0) + 1
    ordered = sorted(times.items(), key=lambda item: (-item[1], item[0]))
    more = (f"and {len(ordered) - LISTED} more",) if len(ordered) > LISTED else ()
    return (*(f"{word} ({count} {'run' if count == 1 else 'runs'})" for word, count in ordered[:LISTED]), *more)
