"""What the commands print: on a terminal its width and colours, elsewhere 80 columns of plain text."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

STYLES = {
    "done": "green", "diverged": "magenta", "running": "cyan", "queued": "blue", "preempted": "yellow",
    "failed": "red", "stale": "red", "lost": "red", "absent": "dim",
}  # fmt: skip


def console() -> Console:
    """Standard output; nothing in brackets is taken for markup, no number is coloured."""
    return Console(markup=False, highlight=False, emoji=False)


def columns(
    *names: str, numbers: Sequence[str] = (), whole: Sequence[str] = (), show_header: bool = True
) -> Table:
    """A table without lines; ``numbers`` are aligned to the right, they and ``whole`` ones are never broken."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", show_header=show_header)
    for name in names:
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=name in (*numbers, *whole))
    return table


def without_empty(rows: Sequence[Mapping[str, str]], numbers: Sequence[str]) -> Table:
    """``rows`` by their columns, of which those are left out in which nothing stands."""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    table = columns(*names, numbers=numbers, whole=names[:1])
    for row in rows:
        table.add_row(*(row[name] for name in names))
    return table


def print_refused(refused: Sequence[tuple[str, str]]) -> int:
    """Say on standard error which cells cannot be run, and why; the exit code: 1 where there is one."""
    for cell, reason in refused:
        print(f"{cell}: {reason}", file=sys.stderr)
    return 1 if refused else 0


def several(count: int, word: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{count} {word}{'' if count == 1 else 's'}"
