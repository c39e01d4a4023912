"""What the report must know of a run beyond the frame of all runs; each record is read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.tables.record import Record, result_of
from gfl_bench.results.reading import read_metrics
from gfl_bench.results.store import Runs


class Records:
    """Results and configs of ``runs`` by the run's path."""

    def __init__(self, runs: Runs) -> None:
        self._configs: dict[str, Any] = dict(zip(runs.frame["path"], runs.frame["config"], strict=True))
        self._results: dict[str, Record] = {}

    @property
    def read(self) -> list[Record]:
        """The results that were asked for so far."""
        return [result for result in self._results.values() if result]

    def config(self, path: str) -> Record | None:
        """The config of a run, None where nobody knows it."""
        config = self._configs.get(path)
        return config if isinstance(config, Mapping) else None

    def result(self, path: str) -> Record:
        """``result.json``; empty for a run without one."""
        if path not in self._results:
            self._results[path] = result_of(path)
        return self._results[path]

    def metrics(self, path: str) -> list[dict[str, Any]]:
        """The log of the training by step."""
        return read_metrics(Path(path) / "metrics.jsonl")
