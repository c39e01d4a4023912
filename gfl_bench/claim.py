"""One process at a time works at a place, though many may be started there, on many machines.

A claim is a file ``<place>-<number>``, made by an exclusive creation, which NFS too grants to one process only. The
highest number holds the place: who takes it over from a dead process makes the next number, which again one alone can
do, and nobody has to remove a file that may be another's by now.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

from gfl_bench.heartbeat import Watch
from gfl_bench.process import this_process

POLL = 1.0  # seconds between two looks at the heartbeat of another machine's process


class Held(Exception):  # noqa: N818, no mistake: the work is being done
    """Another process is at work there."""


class Lost(Exception):  # noqa: N818, nor is this: another process took the work over
    """The claim is another process's by now, and whoever lost it must not write any more."""


class Claim:
    """The right to work at a place, as ``take_claim`` gave it; who holds it calls ``beat`` each ``BEAT`` seconds."""

    def __init__(self, place: Path, number: int) -> None:
        self.number = number
        self._place = place
        self._path = _path(place, number)
        self._holder = json.dumps(asdict(this_process())).encode()

    def beat(self) -> None:
        """Say that the holder lives; needs no space on the disk.

        Raises:
            OSError: the claim is not there any more, or the folder cannot be written.
        """
        os.utime(self._path)

    def is_held(self) -> bool:
        """Whether nobody took the claim over, as far as the disk tells now."""
        try:
            return self._path.read_bytes() == self._holder and not _path(self._place, self.number + 1).exists()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ESTALE):  # removed; the second is NFS's word for it
                return False
            raise

    def release(self) -> None:
        """Let others claim the place at once."""
        with contextlib.suppress(OSError):
            if self._path.read_bytes() == self._holder:
                self._path.unlink()

    def make(self) -> bool:
        """Create the file; False where another process had done so before, or has gone beyond.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        try:
            file = self._path.open("xb", buffering=0)
        except FileExistsError:
            return False
        try:
            with file:
                file.write(self._holder)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        return _latest(self._place) == self.number


def take_claim(place: Path) -> Claim:
    """Claim ``place``, a path in a folder that exists, at once where it is free or its holder is known to be dead.

    A holder on another machine is watched, for ``PATIENCE`` seconds at most.

    Raises:
        Held: another process is at work there.
        OSError: the folder cannot be written, or the disk is full.
    """
    watch = Watch()
    while True:
        number = _latest(place)
        lives = watch.lives(_path(place, number)) if number else False
        if lives:
            raise Held(f"under way in {watch.holder}")
        if lives is None:
            time.sleep(POLL)
            continue
        claim = Claim(place, number + 1)
        if claim.make():
            _forget(place, below=claim.number)
            return claim
        claim.release()


def is_claimed(place: Path) -> bool:
    """Whether a process said that it is at work there, dead or alive."""
    return _latest(place) > 0


def is_abandoned(place: Path) -> bool:
    """Whether nobody is at work there for certain: it is free, or held by a dead process of this machine."""
    number = _latest(place)
    return not number or Watch().lives(_path(place, number)) is False


def _path(place: Path, number: int) -> Path:
    return place.with_name(f"{place.name}-{number}")


def _numbers(place: Path) -> list[int]:
    names = (path.name.removeprefix(f"{place.name}-") for path in place.parent.glob(f"{place.name}-*"))
    return [int(name) for name in names if name.isdecimal()]


def _latest(place: Path) -> int:
    return max(_numbers(place), default=0)


def _forget(place: Path, below: int) -> None:
    for number in _numbers(place):
        if number < below:
            with contextlib.suppress(OSError):
                _path(place, number).unlink()
