"""Files that are either the old ones or the new ones, never half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4


@contextmanager
def replacing(path: Path, *, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of ``path`` at the end of the context, once it is safe on the disk.

    Where the context is left by an exception, what was written is removed and ``path`` stays as it was. Each attempt
    has a file of its own, so that a process that was taken for dead cannot write into another's; one that is killed
    leaves it behind, as ``.<name>.<letters>.partial``, for ``remove_partial``.

    Args:
        overwrite: whether a ``path`` that is there by then is replaced.

    Raises:
        FileExistsError: ``path`` is there and stays.
        OSError: the folder cannot be written, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.{uuid4().hex[:12]}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            partial.replace(path)
        else:
            _place(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def remove_partial(folder: Path) -> None:
    """Remove what killed processes left in ``folder`` half written; nobody else may be writing there."""
    for partial in folder.glob(".*.partial"):
        with suppress(OSError):
            partial.unlink()


def _place(partial: Path, path: Path) -> None:
    """Rename ``partial`` to ``path`` where that is not there: a link, unlike a rename, never overwrites."""
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        partial.replace(path)
    else:
        partial.unlink()
