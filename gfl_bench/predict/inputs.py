"""The files that a command line means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from gfl_bench.data.error import DataError

PICTURES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"})


def find_inputs(places: Iterable[Path]) -> list[Path]:
    """Pictures and videos: files that are named, whatever their ending, and those in folders, by name.

    Raises:
        DataError: a place is not there, or there is no picture in it.
    """
    return list(dict.fromkeys(path for place in places for path in _within(place)))


def is_video(path: Path) -> bool:
    """By its ending."""
    return path.suffix.lower() in VIDEOS


def _within(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    if not place.is_dir():
        raise DataError(f"{place}: there is no such file or folder: check the path")
    found = sorted(path for path in place.rglob("*") if path.suffix.lower() in PICTURES | VIDEOS)
    if not found:
        kinds = ", ".join(sorted(one.removeprefix(".") for one in PICTURES | VIDEOS))
        raise DataError(f"{place}: there is no picture in this folder: give one with files of {kinds}")
    yield from found
