"""What each cell is at each scale, composed by Hydra once and kept until an option file changes."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import gfl_bench.config
from gfl_bench.atomic import replacing
from gfl_bench.config.paths import conf_folder, sweeps_folder


class CellError(ValueError):
    """A cell that cannot be composed."""


class ComposedCells:
    """Configs of cells by name and scale.

    Args:
        cache: file that keeps them between calls; it is dropped when the options or their types change.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._key = _digest()
        self._configs = self._load()
        self._failures: dict[str, CellError] = {}
        self._saved = len(self._configs)

    def config(self, scale: str, cell: str | None = None) -> dict[str, Any]:
        """The config of ``cell`` at ``scale``, or of the scale alone, as nested dicts.

        Raises:
            CellError: Hydra or the project's own rules refuse it.
        """
        overrides = [f"scale={scale}"] + ([] if cell is None else [f"cell={cell}"])
        name = " ".join(overrides)
        if name in self._failures:
            raise self._failures[name]
        if name not in self._configs:
            self._configs[name] = self._compose(name, overrides)
        return self._configs[name]

    @property
    def failures(self) -> list[str]:
        """Why some could not be composed."""
        return [str(error) for error in self._failures.values()]

    def save(self) -> None:
        """Keep what was composed; where that cannot be written, the next call composes again."""
        if len(self._configs) == self._saved:
            return
        with contextlib.suppress(OSError), replacing(self._cache) as file:
            file.write(json.dumps({"key": self._key, "configs": self._configs}).encode())

    def _compose(self, name: str, overrides: list[str]) -> dict[str, Any]:
        from gfl_bench.config import compose  # brings Hydra, which a full cache does without

        try:
            return compose.compose(overrides)
        except Exception as error:  # whatever Hydra raises is about these overrides
            first = str(error).strip().splitlines() or [type(error).__name__]
            self._failures[name] = CellError(f"{name} cannot be composed: {first[0]}")
            raise self._failures[name] from error

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            kept = json.loads(self._cache.read_bytes())
            return dict(kept["configs"]) if kept["key"] == self._key else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def _digest() -> str:
    """Changes with every file that decides what a cell is."""
    package = Path(gfl_bench.config.__file__).parent
    files = [*conf_folder().rglob("*.yaml"), *sweeps_folder().glob("*.yaml"), *package.rglob("*.py")]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()
