"""``--help``: every option with the line that its file says of itself, every table with its cells.

Hydra's own help takes seconds to list as many options, and lists no descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import fill

from gfl_bench.sweep.table import Table

HEAD = """\
gfl_bench: every table row of Generalized Focal Loss as a command.

  python -m gfl_bench.run                                      one run: GFocal on generated scenes
  python -m gfl_bench.run cell=table05.beta2                   one row of a table
  python -m gfl_bench.run -m sweep=table11                     every row of a table, each seed
  python -m gfl_bench.run -m sweep=table11 seed=0 scale=smoke  the same, one seed, in seconds
  python -m gfl_bench.run -m quality.beta=0,1,2 seed=0,1       any product of options
  python -m gfl_bench.run -m sweep=table11 hydra/launcher=slurm  as one array of SLURM jobs
  python -m gfl_bench.run --cfg job                            every value, and its name for the command line
  python analysis/make_tables.py                               the tables of the runs that are there
"""


def help_text(conf: Path, tables: Mapping[str, Table]) -> str:
    """What ``--help`` prints."""
    return "\n".join([HEAD, *_groups(conf), "sweep=TABLE, and its rows as cell=TABLE.ROW", *_tables(tables.values())])


def _groups(conf: Path) -> Iterator[str]:
    for group in sorted({file.parent for file in conf.rglob("*/*.yaml")}):
        yield f"{group.relative_to(conf).as_posix()}="
        yield from (f"  {file.stem:<20} {_first_comment(file)}" for file in sorted(group.glob("*.yaml")))
        yield ""


def _first_comment(file: Path) -> str:
    lines = (line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package"))
    return next(lines).lstrip("# ")


def _tables(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        yield f"  {table.name:<20} {table.title} ({table.source})"
        names = ", ".join(cell.name for cell in table.cells)
        yield fill(names, 120, initial_indent=" " * 23, subsequent_indent=" " * 23, break_on_hyphens=False)
