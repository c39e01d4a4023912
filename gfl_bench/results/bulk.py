"""Many records read at once, on all cores where it pays, so that equal sections of their configs are one object."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from gfl_bench.cores import usable_cores
from gfl_bench.results.cache import Known
from gfl_bench.results.reading import Unreadable
from gfl_bench.results.row import read_row

CHUNK = 500  # records
WORTH_PROCESSES = 2000  # records; fewer are read before the processes have started

Place = tuple[str, tuple[int, ...]]  # below the folder; stamp
Found = Known | Unreadable


class Sections:
    """The distinct sections of configs: thousands of runs have a hundred of them."""

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._sections = {repr(value): value for value in _by_id(known).values()}

    def share(self, records: Sequence[Found]) -> list[Found]:
        """``records`` with configs of these sections, which grow by what is new."""
        found = _by_id(one for one in records if isinstance(one, Known))
        shared = {number: self._sections.setdefault(repr(value), value) for number, value in found.items()}
        return [_with_sections(one, shared) if isinstance(one, Known) else one for one in records]


def read_records(folder: Path, places: Sequence[Place], known: Iterable[Known]) -> Iterator[tuple[str, Found]]:
    """What stands at ``places`` of ``folder``, in their order; ``known`` are records whose sections are had already."""
    chunks = [places[start : start + CHUNK] for start in range(0, len(places), CHUNK)]
    sections = Sections(known if chunks else ())
    for chunk, found in zip(chunks, _read_chunks(folder, chunks), strict=True):
        yield from zip((place for place, _ in chunk), sections.share(found), strict=True)


def _read_chunks(folder: Path, chunks: list[Sequence[Place]]) -> Iterator[list[Found]]:
    read, cores = partial(_read_chunk, folder), usable_cores()
    if cores == 1 or len(chunks) * CHUNK < WORTH_PROCESSES:
        yield from map(read, chunks)
    else:
        with ProcessPoolExecutor(min(cores, len(chunks))) as pool:
            yield from pool.map(read, chunks)


def _read_chunk(folder: Path, places: Sequence[Place]) -> list[Found]:
    return Sections().share([_read(folder / place, stamp) for place, stamp in places])


def _read(path: Path, stamp: tuple[int, ...]) -> Found:
    row = read_row(path)
    return row if isinstance(row, Unreadable) else Known(stamp, *row)


def _by_id(records: Iterable[Known]) -> dict[int, Any]:
    return {id(value): value for record in records if record.config for value in record.config.values()}


def _with_sections(record: Known, sections: dict[int, Any]) -> Known:
    fields = tuple(sys.intern(value) if isinstance(value, str) else value for value in record.fields)
    if record.config is None:
        return record._replace(fields=fields)
    return Known(record.stamp, fields, {sys.intern(key): sections[id(record.config[key])] for key in record.config})
