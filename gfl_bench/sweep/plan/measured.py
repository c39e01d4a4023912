"""What finished runs say of time and disk: seconds a step, seconds of everything else, bytes, on which machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfl_bench.results.reading import Unreadable
from gfl_bench.results.result import read_result

EACH = 20  # results of a configuration, the newest; more would hardly move a mean
MOST = 2000  # results in all, if need be fewer of each
# Phases besides training; "data" is none of a single run: the first one makes it for all.
PER_IMAGE, CONSTANT = ("evaluation", "detection"), ("speed",)


@dataclass(frozen=True)
class Hardware:
    """What a run computed on.

    Attributes:
        unit: ``GPU`` or ``core``.
        units: how many of them a run takes.
    """

    name: str
    unit: str
    units: int


@dataclass(frozen=True)
class Measured:
    """The cost of one finished run.

    Attributes:
        written: when its result was, seconds since 1970.
        bed: what runs must share so that FLOPs tell their cost.
        work: what runs must share so that a step takes the same.
        steps: of its training; 0 where it did not train.
        step_seconds: mean over the training, all its sessions; 0 where it did not train.
        evaluation: seconds of going through the validation images.
        rest: seconds of timing.
        size: of its folder in bytes.
    """

    written: float
    hardware: Hardware
    config: Mapping[str, Any]
    bed: str
    work: str
    steps: int
    step_seconds: float
    evaluation: float
    rest: float
    size: int


def read_measured(runs: Path) -> list[Measured]:
    """Runs in ``runs`` that were trained, or measured, to their end, newest first: EACH of one, MOST of all."""
    kept = sorted(_newest(runs), key=lambda entry: (entry[0], -entry[1]))[:MOST]
    found = sorted(kept, key=lambda entry: entry[1], reverse=True)
    return [measured for _, written, path in found if (measured := _measured(path, written)) is not None]


def bed_of(config: Mapping[str, Any]) -> str:
    """Images, batch and arithmetic of a config of plain values, as text."""
    data, machine = config["data"], config["machine"]
    parts = (
        config["mode"], config["precision"], data["name"], data["size"], config["schedule"]["batch_size"],
        machine["images_at_once"], machine["channels_last"],
    )  # fmt: skip
    return json.dumps(parts)


def work_of(config: Mapping[str, Any]) -> str:
    """``bed_of`` and the detector, as text; neither the length of the training nor the number of images counts."""
    sections = [config[name] for name in ("detector", "quality", "box", "guidance", "backbone", "neck")]
    return json.dumps([bed_of(config), *sections], sort_keys=True)


def _newest(runs: Path) -> Iterator[tuple[int, float, Path]]:
    """Of each configuration: 0 for its newest result, 1 for the one before, and so on; when it was written; where."""
    for folder in runs.glob("*--*"):
        newest_first = sorted(_results(folder), reverse=True)[:EACH]
        yield from ((place, written, path) for place, (written, path) in enumerate(newest_first))


def _results(folder: Path) -> Iterator[tuple[float, Path]]:
    for path in folder.glob("seed*/result.json"):
        try:
            yield path.stat().st_mtime, path
        except OSError:
            continue


def _measured(path: Path, written: float) -> Measured | None:
    """None for what is no result, has diverged or does not say what it took: a record of another version perhaps."""
    result = read_result(path)
    if isinstance(result, Unreadable) or result["state"] != "done":
        return None
    try:
        timings, config = result["timings"], result["config"]
        steps = int(timings.get("steps", 0))
        training = (result["metrics"].get("training_hours") or 0) * 3600  # timings have the last session alone
        if config["mode"] == "train" and not (steps > 0 and training > 0):
            return None
        return Measured(
            written, _hardware(result["provenance"], config["machine"]), config, bed_of(config),
            work_of(config), steps, training / steps if steps else 0.0, _seconds(timings, PER_IMAGE),
            _seconds(timings, CONSTANT), _size(path.parent),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, OSError):
        return None


def _seconds(timings: Mapping[str, Any], phases: Iterable[str]) -> float:
    return sum(float(timings.get(phase, 0)) for phase in phases)


def _hardware(provenance: Mapping[str, Any], settings: Mapping[str, Any]) -> Hardware:
    machine, processes = provenance["hardware"], int(provenance.get("processes", 1))
    gpus, cores = machine["gpus"], int(machine["cores"])
    several = f"{processes} x " if processes > 1 else ""
    if gpus and settings.get("device") != "cpu":
        return Hardware(f"{several}{gpus[0]}", "GPU", processes)
    threads = int(settings.get("threads") or cores)
    return Hardware(f"{several}{machine['cpu']}, {threads} of {cores} cores", "core", processes * threads)


def _size(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat().st_size for entry in entries if entry.is_file())
