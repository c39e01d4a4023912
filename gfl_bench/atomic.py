"""Files that are either the old ones or the new ones, never half of one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of ``path`` at the end of the context, once it is safe on the disk.

    Where the context is left by an exception, what was written is removed and ``path`` stays as it was. A process that
    is killed meanwhile leaves ``.<name>.partial`` beside ``path``, which the next attempt overwrites.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
