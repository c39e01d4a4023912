"""A small disk of its own, to be filled."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

MEGABYTES = 24


class Disk:
    """Context with a tmpfs at ``folder``; an ordinary folder, and ``is_small`` false, where that cannot be mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_small = False

    def __enter__(self) -> Disk:
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(self.folder)]
        with contextlib.suppress(OSError):
            self.is_small = subprocess.run(command, capture_output=True).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_small:
            subprocess.run(["umount", str(self.folder)], check=True)

    def fill(self) -> None:
        """Leave no space."""
        with contextlib.suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def free(self) -> None:
        """Give the space back."""
        (self.folder / "filler").unlink(missing_ok=True)

    def forget(self, folder: Path) -> None:
        """Make room for the next run."""
        shutil.rmtree(folder)
