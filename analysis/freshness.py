"""Whether a report is what its records and the code would make again, as ``make`` asks of its targets.

A finished run's result is written last, so a result that did not change stands for all files of its run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import analysis
import gfl_bench
from gfl_bench.atomic import replacing
from gfl_bench.config.paths import conf_folder, sweeps_folder
from gfl_bench.results.cache import RACY
from gfl_bench.results.speed_records import session_files
from gfl_bench.results.store import stamps_of

NAME = ".made-from"
SUFFIXES = {".py", ".j2", ".yaml", ".css", ".js"}

Stamp = tuple[int, int]  # time of change in nanoseconds, size


class Origin:
    """What a report is made from, as it was when this object was made: records, tables, code, options.

    Args:
        runs: folder of the records.
        options: of the command line, as far as they change the report.
    """

    def __init__(self, runs: Path, *options: object) -> None:
        self._start = time.time_ns()
        records = stamps_of(runs) | {str(path): _stamp(path) for path in session_files(runs)}
        self._is_settled = all(max(stamp[::2], default=0) < self._start - RACY for stamp in records.values())
        made_of = [str(runs), *map(repr, options), sys.version, list(records.items()), sorted(code())]
        self._digest = hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def made(self, out: Path) -> bool:
        """Whether ``out`` holds the report of this origin, each file as it was written."""
        try:
            left = json.loads((out / NAME).read_bytes())
            files = {name: tuple(stamp) for name, stamp in left["files"].items()}
            return left["digest"] == self._digest and all(_stamp(out / name) == files[name] for name in files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def leave(self, out: Path) -> None:
        """Note in ``out`` that what was written there since is the report of this origin.

        Where a record is so young that it may change without a change of its time, nothing is noted.
        """
        if not self._is_settled:
            (out / NAME).unlink(missing_ok=True)
            return
        stamps = {str(path.relative_to(out)): _stamp(path) for path in out.rglob("*") if path.is_file()}
        files = {name: stamp for name, stamp in stamps.items() if stamp[0] >= self._start - RACY and name != NAME}
        with contextlib.suppress(OSError), replacing(out / NAME) as file:
            file.write(json.dumps({"digest": self._digest, "files": files}).encode())


def code() -> Iterator[tuple[str, Stamp]]:
    """Our own files that a report depends on."""
    packages = [Path(str(module.__file__)).parent for module in (analysis, gfl_bench)]
    for folder in (*packages, conf_folder(), sweeps_folder()):
        for path in folder.rglob("*"):
            if path.suffix in SUFFIXES:
                yield str(path), _stamp(path)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
