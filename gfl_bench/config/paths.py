"""Where the option files and the sweep files lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def _folder(name: str) -> Path:
    for candidate in (PACKAGE / name, PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{name}/ is neither in {PACKAGE} nor beside it; reinstall gfl_bench")


def conf_folder() -> Path:
    """Folder of the Hydra options, absolute, so that a run may start anywhere."""
    return _folder("conf")


def sweeps_folder() -> Path:
    """Folder of the table files."""
    return _folder("sweeps")


def expand(path: str) -> Path:
    """Path with ``~`` expanded, absolute."""
    return Path(path).expanduser().absolute()


def cache_folder(configured: str | None) -> Path:
    """Folder of generated data: ``configured``, or ``gfl_bench`` in the user's cache folder."""
    return expand(configured or str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "gfl_bench"))
