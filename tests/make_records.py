"""Write the records of many runs, as a long study would leave them: ``python tests/make_records.py runs``.

Every cell of every table under several conditions, then runs that are no row of any table; of each some seeds. The
configs are those that Hydra composes, the numbers are drawn. A few records are not whole: cut short, foreign, of an
older schema, diverged, or of a run that failed, waits or never ended.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gfl_bench.config.paths import sweeps_folder
from gfl_bench.results.metrics import METRICS
from gfl_bench.results.provenance import provenance
from gfl_bench.results.result import Divergence, Result
from gfl_bench.results.status import Status
from gfl_bench.sweep.cells import ComposedCells
from gfl_bench.sweep.files import load_tables

SCALES = ("demo", "proxy")
RATES = (None, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08)  # schedule.lr; None is the scale's own
DRAWN = ("AP", "AP50", "AP75", "APs", "APm", "APl", "PCC", "training_hours", "FPS")
STEPS = 30  # lines of metrics.jsonl
FAULTS = ("cut", "foreign", "older", "failed", "preempted", "running", "diverged")
ORIGIN = provenance() | {"hardware": {"cpu": "A processor", "cores": 2, "gpus": []}}
SEED, FILL = '"seed": -987', "-987.25"  # stand in a text for what is drawn

Config = dict[str, Any]


def make_records(
    folder: Path, runs: int, seeds: int, faulty: int = 0, scales: Sequence[str] = SCALES,
    rates: Sequence[float | None] = RATES,
) -> None:
    """``runs`` configs of ``seeds`` records each in ``folder``; of seed 0, ``faulty`` of each of ``FAULTS``."""
    random = np.random.default_rng(0)
    faults = itertools.chain.from_iterable(itertools.repeat(fault, faulty) for fault in FAULTS)
    for name, config in itertools.islice(_configs(scales, rates), runs):
        record = _Template(name, config)
        for seed in range(seeds):
            place = folder / record.folder / f"seed{seed}"
            place.mkdir(parents=True)
            record.write(place, seed, random)
            fault = next(faults, "") if seed == 0 else ""
            if fault:
                _spoil(place, fault, config)


def _configs(scales: Sequence[str], rates: Sequence[float | None]) -> Iterator[tuple[str | None, Config]]:
    """Cells by name under every condition, then, without end, what stands in no table; each config once."""
    known: set[str] = set()
    for name, config in itertools.chain(_cells(scales, rates), _others(scales[0])):
        if _digest(config) not in known:
            known.add(_digest(config))
            yield name, config


def _cells(scales: Sequence[str], rates: Sequence[float | None]) -> Iterator[tuple[str, Config]]:
    composed, tables = ComposedCells(), load_tables(sweeps_folder())
    for rate, scale, table in itertools.product(rates, scales, tables.values()):
        for cell in table.cells:
            yield cell.name, _at_rate(composed.config(scale, cell), rate)


def _others(scale: str) -> Iterator[tuple[None, Config]]:
    base = ComposedCells().config(scale, load_tables(sweeps_folder())["table05"].cells[0])
    for number in itertools.count(1):
        yield None, {**base, "quality": {**base["quality"], "beta": 2 + number / 1024}}


def _at_rate(config: Config, rate: float | None) -> Config:
    return config if rate is None else {**config, "schedule": {**config["schedule"], "lr": rate}}


def _digest(config: Config) -> str:
    kept = {key: value for key, value in config.items() if key not in ("seed", "machine", "paths")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:10]


class _Template:
    """The files of one config, encoded once; a seed's own numbers take the place of marks."""

    def __init__(self, name: str | None, config: Config) -> None:
        identity, scale = _digest(config), config["scale"]["name"]
        parts = [scale, *(config[group]["name"] for group in ("detector", "quality", "box", "guidance"))]
        self.folder = f"{'-'.join(parts)}--{identity}"
        self.config = config
        result = Result(
            cell=name, id=identity, seed=-987, scale=scale, command=f"python -m gfl_bench.run cell={name}",
            config=config | {"seed": -987}, metrics=dict.fromkeys(DRAWN, float(FILL)),
            quality={"count": 13546, "pearson": 0.5, "low": 0.5, "high": 0.6, "spearman": 0.5},
            speed={"fps": 53.6, "samples_ms": [float(FILL)] * 100, "warmup": 10}, parameters=1072674,
            provenance=ORIGIN,
        )
        self.result = json.dumps(result.as_json(), indent=1).replace(SEED, '"seed": {}').split(FILL)
        self.status = json.dumps(Status("done", steps=600).as_json(), indent=1)

    def write(self, place: Path, seed: int, random: np.random.Generator) -> None:
        numbers = map(str, random.uniform(1, 60, len(self.result) - 1).tolist())
        text = "".join(itertools.chain.from_iterable(zip(self.result, [*numbers, ""], strict=True)))
        (place / "result.json").write_text(text.replace('"seed": {}', f'"seed": {seed}'))
        (place / "status.json").write_text(self.status)
        losses = enumerate(random.uniform(0.5, 2, STEPS).tolist(), 1)
        (place / "metrics.jsonl").write_text("".join(f'{{"step": {20 * n}, "loss": {loss}}}\n' for n, loss in losses))


def _spoil(place: Path, fault: str, config: Config) -> None:
    path = place / "result.json"
    text = path.read_text()
    if fault == "cut":
        path.write_text(text[: len(text) // 2])
    elif fault == "foreign":
        path.write_text('{"epoch": 3, "box_map": 0.31}')
    elif fault == "older":
        path.write_text(text.replace('"schema": 1', '"schema": 0'))
    elif fault == "diverged":
        values = json.loads(text) | {"state": "diverged", "metrics": dict.fromkeys(METRICS)}
        path.write_text(json.dumps(values | {"diverged": vars(Divergence(112, "qfl"))}, indent=1))
    else:
        path.unlink()
        (place / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        (place / "status.json").write_text(json.dumps(Status(fault, message="drawn").as_json()))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the records of many runs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=10_000, help="configs")
    parser.add_argument("--seeds", type=int, default=5, help="records of each")
    parser.add_argument("--faulty", type=int, default=3, help="records with each fault")
    options = parser.parse_args()
    make_records(options.folder, options.runs, options.seeds, options.faulty)


if __name__ == "__main__":
    main()
