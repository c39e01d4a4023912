"""What a process that was killed, or a newer version, left in a run's folder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from gfl_bench.results.reading import Unreadable

log = logging.getLogger(__name__)


def set_aside_unreadable(result: dict[str, Any] | Unreadable) -> None:
    """Keep a result that is there but cannot be read, under another name: it may be a newer version's."""
    if isinstance(result, Unreadable) and result.path.exists():
        kept = result.path.with_name(f"{result.path.name}.unreadable")
        log.warning("%s %s: the run is repeated, and the file kept as %s", result.path, result.reason, kept.name)
        result.path.replace(kept)


def close_last_line(path: Path) -> None:
    """End a line that a kill cut short, so that the next one stands alone."""
    if path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
