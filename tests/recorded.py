"""Records as runs would leave them, and the tables made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from analysis.make_tables import make_tables
from analysis.tables.sheet import Sheet
from gfl_bench.config import compose as composition
from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.record import RunFolder
from gfl_bench.results.result import Divergence, Result
from gfl_bench.sweep.files import load_tables

TABLES = load_tables(sweeps_folder())

compose_once = cache(lambda overrides, compose=composition.compose: compose(list(overrides)))


def a_run(
    runs: Path, cell: str, ap: float | None = 30.0, seed: int = 0, scale: str = "smoke", extra: Sequence[str] = (),
    name: str | None = None, hardware: str = "A processor", **metrics: float,
) -> RunFolder:
    """A record of ``cell`` as gfl_bench would leave it; without ``ap`` it diverged."""
    config = json.loads(json.dumps(compose_once((f"scale={scale}", f"cell={cell}", *extra)))) | {"seed": seed}
    identity = name or "-".join([scale, cell, *extra]).replace("/", "_")
    folder = RunFolder(runs / f"{identity}--id" / f"seed{seed}")
    folder.start(config)
    folder.finish(Result(
        cell=cell, id=identity, seed=seed, scale=scale, config=config,
        command=f"python -m gfl_bench.run cell={cell} scale={scale} seed={seed} paths.runs={runs}",
        metrics={} if ap is None else {"AP": ap, **metrics}, diverged=None if ap is not None else Divergence(7, "qfl"),
        provenance={"hardware": {"cpu": hardware, "cores": 2, "gpus": []}},
    ))
    return folder


def tables(*names: str, runs: Path, out: Path | None = None) -> list[Sheet]:
    return make_tables({name: TABLES[name] for name in names}, runs, out or runs.parent / "report")


def lines(sheet: Sheet) -> dict[str, Any]:
    return {line.label: line for line in sheet.lines}
