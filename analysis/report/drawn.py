"""Figures, drawn again only where what they are drawn from has changed: drawing takes longer than all else together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.figures import Figure, draw_figures
from analysis.freshness import code
from gfl_bench.results.result import FINISHED
from gfl_bench.results.speed_records import Comparison
from gfl_bench.results.store import Runs
from gfl_bench.sweep.cells import ComposedCells

READ = ("result.json", "metrics.jsonl", "evidence.npz", "checkpoint.pt")  # what figures know of a run
INDEX = "figures.json"  # beside the drawings: what was drawn, from what


def figures_of(runs: Runs, out: Path, cells: ComposedCells, speeds: Sequence[Comparison]) -> list[Figure]:
    """All figures, drawn to ``out`` unless they lie there as these runs, sessions and this code draw them."""
    out.mkdir(parents=True, exist_ok=True)
    source = _digest(runs, speeds)
    kept = _kept(out / INDEX, source)
    if kept is not None:
        return kept
    drawn = draw_figures(runs.frame, out, cells, speeds)
    found = [asdict(figure) for figure in drawn]
    (out / INDEX).write_text(json.dumps({"source": source, "figures": found}, indent=1, default=str), encoding="utf-8")
    return drawn


def _kept(index: Path, source: str) -> list[Figure] | None:
    """What was drawn from ``source``; None where that is not known, or not there any more."""
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        found = [_figure(values) for values in content["figures"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    files = [path for figure in found for path in (figure.png, figure.pdf) if path]
    return found if content.get("source") == source and all(map(Path.exists, files)) else None


def _figure(values: dict[str, Any]) -> Figure:
    return Figure(**values | {key: values[key] and Path(values[key]) for key in ("png", "pdf")})


def _digest(runs: Runs, speeds: Sequence[Comparison]) -> str:
    made_of = [*map(str, sorted(code())), *_records(runs), *map(repr, speeds)]
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()


def _records(runs: Runs) -> Iterator[str]:
    for path, state in zip(runs.frame["path"], runs.frame["state"], strict=True):
        if state in FINISHED:
            yield " ".join([path, state, *(_age(Path(path) / name) for name in READ)])


def _age(path: Path) -> str:
    try:
        known = path.stat()
    except OSError:
        return "-"
    return f"{known.st_mtime_ns}:{known.st_size}"
