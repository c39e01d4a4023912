"""What ``python -m gfl_bench.speed`` left: sessions in which cells were timed in turns, and what they say together.

A ratio is of two cells of one session, round by round; sessions add up where they were taken under one protocol on one
kind of machine. Nothing else is compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from gfl_bench.atomic import replacing
from gfl_bench.results.reading import Unreadable, read_object
from gfl_bench.results.samples import Ratio, Summary, mean_ratio, speed_ratio, summarise

FOLDER = "speed"  # below paths.runs
SHORTEST, LONGEST = 1e-6, 1e9  # milliseconds; what lies beyond is no time of an image
KINDS: dict[str, type | tuple[type, ...]] = {
    "command": str, "time": (int, float), "scale": str, "overrides": list, "baseline": str, "protocol": dict,
    "hardware": dict, "conditions": dict, "rounds": int, "cells": dict,
}  # fmt: skip
Session = Mapping[str, Any]  # a record as it stands in its file


@dataclass(frozen=True)
class Condition:
    """What sessions must share to be compared."""

    protocol: str  # id
    hardware: str  # id
    scale: str
    overrides: tuple[str, ...]  # of all cells, such as backbone=resnet101


@dataclass(frozen=True)
class Comparison:
    """The sessions of one condition, oldest first. Cells go by name, such as ``table12.fcos``."""

    condition: Condition
    sessions: tuple[Session, ...]

    @property
    def machine(self) -> str:
        """The hardware in words."""
        parts = self.sessions[0]["hardware"]
        gpu = parts.get("gpu")
        return str(gpu.get("name")) if isinstance(gpu, Mapping) else f"{parts.get('cpu')}, {parts.get('cores')} cores"

    @property
    def cells(self) -> dict[str, str]:
        """Names, and the id of the configuration that each had last; samples of an older one do not count."""
        return {name: cell["id"] for session in self.sessions for name, cell in session["cells"].items()}

    def speed(self, cell: str, stage: str = "detect") -> Summary | None:
        """Of all samples of a cell; None where it was not timed."""
        samples = [time for session in self._with(stage, cell).values() for time in _samples(session, cell, stage)]
        return summarise(samples) if samples else None

    def each_speed(self, cell: str, stage: str = "detect") -> dict[int, Summary]:
        """Of each session that timed the cell, by the session's place."""
        return {place: summarise(_samples(one, cell, stage)) for place, one in self._with(stage, cell).items()}

    def ratio(self, cell: str, baseline: str, stage: str = "detect") -> Ratio | None:
        """How many times as fast as ``baseline`` the cell is; None where the two never took turns.

        Of several sessions their mean, with an interval over sessions: they differ by more than their rounds do.
        """
        each = list(self.each_ratio(cell, baseline, stage).values())
        both = self._with(stage, cell, baseline).values()
        times, reference = (
            [time for session in both for time in _samples(session, name, stage)] for name in (cell, baseline)
        )
        if len(each) > 1:
            return mean_ratio(each, rounds=len(times))
        return speed_ratio(times, reference) if times else None

    def each_ratio(self, cell: str, baseline: str, stage: str = "detect") -> dict[int, float]:
        """The ratio of each session alone, by the session's place."""
        times = {
            place: [np.asarray(_samples(one, name, stage), dtype=float) for name in (cell, baseline)]
            for place, one in self._with(stage, cell, baseline).items()
        }
        return {place: float(np.median(reference / own)) for place, (own, reference) in times.items()}

    def among(self, cells: Iterable[str]) -> Comparison | None:
        """The sessions in which at least two of ``cells`` took turns; None where there is none."""
        wanted = set(cells)
        found = tuple(session for session in self.sessions if len(wanted & session["cells"].keys()) > 1)
        return replace(self, sessions=found) if found else None

    def _with(self, stage: str, *names: str) -> dict[int, Session]:
        ids = self.cells
        return {
            place: session
            for place, session in enumerate(self.sessions)
            if all(
                name in session["cells"]
                and session["cells"][name]["id"] == ids[name]
                and stage in session["cells"][name]["stages"]
                for name in names
            )
        }


@dataclass(frozen=True)
class SpeedRecords:
    """All sessions below a folder.

    Attributes:
        comparisons: one for each condition, in the order in which they first came.
        skipped: (path, reason) of what cannot be read.
    """

    comparisons: list[Comparison]
    skipped: list[tuple[Path, str]]


def load_speed(runs: Path) -> SpeedRecords:
    """The sessions in ``<runs>/speed``; none where it does not exist."""
    read = [read_session(path) for path in session_files(runs)]
    skipped = [(session.path, session.reason) for session in read if isinstance(session, Unreadable)]
    found: dict[Condition, list[Session]] = {}
    for session in sorted((one for one in read if not isinstance(one, Unreadable)), key=lambda one: one["time"]):
        found.setdefault(_condition(session), []).append(session)
    return SpeedRecords([Comparison(key, tuple(sessions)) for key, sessions in found.items()], skipped)


def session_files(runs: Path) -> list[Path]:
    """The records of sessions in ``<runs>/speed``, ordered."""
    return sorted((runs / FOLDER).glob("*/session*.json"))


def read_session(path: Path) -> Session | Unreadable:
    """The record in ``path``, or why there is none."""
    session = read_object(path, KINDS)
    if isinstance(session, Unreadable):
        return session
    try:
        _condition(session)
        for cell in session["cells"].values():
            told = [_are_times(stage["samples_ms"], session["rounds"]) for stage in cell["stages"].values()]
            if not isinstance(cell["id"], str) or not told or not all(told):
                return Unreadable(path, "has a cell without a sample for each round")
    except (KeyError, TypeError, AttributeError):
        return Unreadable(path, "is not what gfl_bench.speed writes")
    return session


def write_session(session: Session, runs: Path) -> Path:
    """Add the record to ``<runs>/speed``; returns its file.

    Raises:
        OSError: the folder cannot be written.
    """
    name = f"{session['table'] or 'cells'}-{session['scale']}"
    ids = f"{session['protocol']['id']}-{session['hardware']['id']}"
    folder = runs / FOLDER / f"{name}--{ids}"
    folder.mkdir(parents=True, exist_ok=True)
    taken = {path.stem for path in folder.iterdir()}
    path = folder / f"{next(name for name in map('session{}'.format, count()) if name not in taken)}.json"
    with replacing(path) as file:
        file.write(json.dumps(session, indent=1, allow_nan=False).encode())
    return path


def _condition(session: Session) -> Condition:
    protocol, hardware = (str(session[part]["id"]) for part in ("protocol", "hardware"))
    return Condition(protocol, hardware, session["scale"], tuple(sorted(map(str, session["overrides"]))))


def _samples(session: Session, cell: str, stage: str) -> Sequence[float]:
    samples: Sequence[float] = session["cells"][cell]["stages"][stage]["samples_ms"]
    return samples


def _are_times(samples: Any, rounds: int) -> bool:
    is_list = isinstance(samples, list) and len(samples) == rounds > 0
    return is_list and all(isinstance(time, int | float) and SHORTEST < time < LONGEST for time in samples)
