"""All runs of a folder as one frame."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gfl_bench.results.bulk import read_records
from gfl_bench.results.cache import WORTH_WRITING, Known, read_cache, write_cache
from gfl_bench.results.frame import flatten, frame_of
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.reading import Unreadable
from gfl_bench.results.row import FIELDS

__all__ = ["COLUMNS", "Runs", "flatten", "load_runs", "stamps_of"]

COLUMNS = ("path", *FIELDS, "config")


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs below a folder.

    Attributes:
        frame: one row a run, ordered by path. Columns: ``COLUMNS``, then each leaf of the config by its dotted name.
            Metrics are NaN where not measured; ``config`` is the nested dict, None where nobody knows it. Equal
            sections of configs are one object, not to be changed.
        skipped: (path, reason) of what looks like a run and cannot be read.
    """

    frame: pd.DataFrame
    skipped: list[tuple[Path, str]]


def load_runs(folder: Path) -> Runs:
    """The runs in ``folder``; none where it does not exist. A record that did not change since is read once."""
    now = time.time_ns()
    skipped: list[tuple[Path, str]] = []
    with _without_collector():
        known = read_cache(folder, FIELDS)
        found = _found(folder, known, skipped)
        records = {place: found[place] for place in sorted(found)}
        if sum(known.get(place) is not record for place, record in records.items()) >= WORTH_WRITING:
            write_cache(folder, FIELDS, records, now)
        return Runs(_frame(folder, records), sorted(skipped))


def _found(folder: Path, known: Mapping[str, Known], skipped: list[tuple[Path, str]]) -> dict[str, Known]:
    """By their place: what is ``known`` and did not change, and what is read now."""
    stamps = stamps_of(folder, skipped)
    records = {place: known[place] for place, stamp in stamps.items() if place in known and known[place].stamp == stamp}
    anew = [(place, stamp) for place, stamp in stamps.items() if place not in records]
    for place, record in read_records(folder, anew, known.values()):
        if isinstance(record, Unreadable):
            skipped.append((record.path, record.reason))
        else:
            records[place] = record
    return records


def stamps_of(folder: Path, closed: list[tuple[Path, str]] | None = None) -> dict[str, tuple[int, ...]]:
    """Time of change in nanoseconds and size of each record in ``folder``, by its place there, ordered.

    Of the result or, where there is none, of status and config; nothing where there is neither. ``closed`` gets the
    folders that cannot be listed.
    """
    places = sorted(_places(folder, [] if closed is None else closed))
    return {place: _stamp(f"{folder}/{place}") for place in places}


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the search for cycles, which would go through all records again and again while they become more."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _frame(folder: Path, records: Mapping[str, Known]) -> pd.DataFrame:
    """Columns as ``Runs`` says."""
    values = zip(*(record.fields for record in records.values()), strict=True)
    fields = map(list, values) if records else ([] for _ in FIELDS)
    columns = {"path": [f"{folder}{os.sep}{place}" for place in records], **dict(zip(FIELDS, fields, strict=True))}
    return frame_of(columns, [record.config for record in records.values()]).astype(dict.fromkeys(METRICS, "float64"))


def _places(folder: Path, closed: list[tuple[Path, str]]) -> Iterator[str]:
    """``<name>--<id>/seed<k>``, all that are in ``folder``; ``closed`` gets the folders that cannot be listed."""
    for run in _folders(folder, closed):
        if "--" in run:
            inside = _folders(folder / run, closed)
            yield from (f"{run}/{seed}" for seed in inside if seed.startswith("seed"))


def _folders(folder: Path, closed: list[tuple[Path, str]]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        closed.append((folder, f"cannot be read ({error.strerror})"))
        return []


def _stamp(path: str) -> tuple[int, ...]:
    found = _stamp_of(f"{path}/result.json")
    return found or _stamp_of(f"{path}/status.json") + _stamp_of(f"{path}/config.yaml")


def _stamp_of(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size


def folder_of(frame: pd.DataFrame) -> str:
    """Where the records of ``frame`` lie, two above a run; the default place where there are none."""
    paths = frame["path"]
    return str(Path(paths.iloc[0]).parents[1]) if len(paths) else "runs"
